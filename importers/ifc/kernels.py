"""The kernel chains of ifcopenshell, fastest first, by the names that elements carry."""

FAST = "hybrid-cgal-simple-manifold-opencascade"
EXACT = "hybrid-cgal-simple-opencascade"
SAFE = "opencascade"
UNCUT = "opencascade without openings"
BOX = "box of the definition"
ALARM_M = 0.01  # a box further off than this from what the definition says is built again
