"""Scenarios: what a park would be like with some devices moved, turned, changed, added or removed.

- `changes`: what a change is, and a list of devices with changes made to it;
- `overlay`: a park with changes made, which every measure takes for a park;
- `apply`: a scenario written into the park;
- `difference`: what measures say before and after;
- `session`: the value a change gives, in the blink of an eye.
"""
