"""The twin, shown: the server with its API and live stream, the scene as pydeck JSON, the exports, and the browser client beside them."""
