"""Where bytes come from: serial ports, sockets, cameras and recordings. One file a wire; no protocols."""
