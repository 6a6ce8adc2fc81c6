"""Settlement cameras: what a picture is worth, from frames to health; the only codec folder that needs numpy.

`picture` turns a frame into numbers (in the decoder's process, with OpenCV), `observation` is how these travel to the
gateway's process, `quality` and `health` judge them there without numpy. Import them by name: the gateway must not
load OpenCV, nor the decoder the judge.
"""
