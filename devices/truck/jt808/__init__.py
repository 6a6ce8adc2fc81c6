"""JT/T 808-2011, 2013 and 2019: muck-truck terminals, from bytes to positions and answers, and back.

`Jt808Session` is the platform's side of a connection, `Jt808Terminal` the terminal's; `Jt808Decoder` reads what was
recorded, and `encode_message` makes its messages bytes again. The messages are data: `terminal_messages`,
`platform_messages`, `location`, `parameters`.
"""

from devices.truck.jt808.codes import keyed_codes
from devices.truck.jt808.decoder import Jt808Decoder
from devices.truck.jt808.description import Edition
from devices.truck.jt808.fields import Unwritable
from devices.truck.jt808.frames import Deframer, Frame, encode_frame
from devices.truck.jt808.messages import MESSAGES, decode_message, encode_message
from devices.truck.jt808.session import IDLE_TIMEOUT, Jt808Session
from devices.truck.jt808.terminal import Answered, Jt808Terminal, Nameplate

__all__ = [
    "IDLE_TIMEOUT",
    "MESSAGES",
    "Answered",
    "Deframer",
    "Edition",
    "Frame",
    "Jt808Decoder",
    "Jt808Session",
    "Jt808Terminal",
    "Nameplate",
    "Unwritable",
    "decode_message",
    "encode_frame",
    "encode_message",
    "keyed_codes",
]
