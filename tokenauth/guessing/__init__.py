"""What slows down who guesses passwords, and lets the owner in meanwhile.

Everything is counted in the cache of ``TOKENAUTH_THROTTLE_CACHE``, under digests; the database only
gets a row of the audit trail when a counter begins to delay. No requests, no DRF: an entrance asks
:func:`admit`, and tells the attempt what came of it.
"""

from tokenauth.guessing.attempts import Attempt, admit
from tokenauth.guessing.devices import Device, new_device, read_device

__all__ = ["Attempt", "Device", "admit", "new_device", "read_device"]
