"""The agent as a process, between a device on a real wire and a real broker."""

from __future__ import annotations

import json
import os
import queue
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from devices.contract.message import Receipt, decode_readings, encode, unpack
from devices.contract.readings import Reading, TruckPosition
from devices.contract.topics import Topic, topic_filter
from devices.truck.jt808.frames import Frame
from devices.truck.jt808.terminal import Jt808Terminal
from simulators.servers import Mosquitto, free_port

PHONE = "013800000001"
PATIENCE_S = 15.0
