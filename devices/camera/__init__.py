"""Settlement cameras: what a picture is worth, from frames to health; the only codec folder that needs numpy."""
