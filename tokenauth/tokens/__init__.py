"""Token code: plain Python over PyJWT, simplejwt and cryptography.

Keys and time are passed in; nothing here reads settings, rows or requests.
"""
