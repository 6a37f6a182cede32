"""The park's devices: one module a trade, rows of the device table out of each."""
