"""Settlement cameras without hardware: a drawn scene, served as MJPEG over HTTP and as RTSP, with faults on order."""

from simulators.camera.fault import Fault, FaultKind, active
from simulators.camera.feed import Feed
from simulators.camera.scene import Scene
from simulators.camera.server import CameraServer

__all__ = ["CameraServer", "Fault", "FaultKind", "Feed", "Scene", "active"]
