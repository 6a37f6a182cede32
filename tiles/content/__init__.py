"""What tiles hold: models, outlines with roofs, lines as tubes, ground and points, at every level of detail."""
