"""The gateway program: reads devices over their own wires, spools what they say, and hands it to the county."""
