"""What the server says, resource by resource: pydantic models of the JSON and the functions that make them from the store.

The routes send them, the exports embed them: one shape, made in one place.
"""
