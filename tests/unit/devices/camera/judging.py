"""Pictures as a camera would give them, for the judge's tests: no frames, only measurements."""

from devices.camera.observation import COLUMNS, ROWS, Picture

EVERYWHERE = (1 << COLUMNS * ROWS) - 1
NOWHERE = 0


def cells(*places):
    """The mask of these (column, row) cells."""
    return sum(1 << (COLUMNS * ROWS - 1 - (row * COLUMNS + column)) for column, row in places)


def picture(luminance=120.0, contrast=40.0, sharpness=30.0, saturation=20.0, changed=EVERYWHERE, frames=0, dropped=0):
    """A good picture, but for what is said."""
    return Picture(
        luminance=luminance,
        contrast=contrast,
        sharpness=sharpness,
        saturation=saturation,
        noise=1.0,
        changed=None if changed is None else f"{changed:036x}",
        frames=frames,
        dropped=dropped,
    )


DARK = {"luminance": 4.0, "contrast": 2.0, "sharpness": 3.0}
BLURRED = {"sharpness": 6.0}
