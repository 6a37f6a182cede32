"""The six building models: rooms as data (`rooms`, one module a building), walls found from them, IFC written from both."""
