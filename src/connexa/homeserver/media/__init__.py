"""Media: blobs that nobody here can read, uploaded by blind passes and read by an unguessable capability (docs/protocol.md section 25).

What is kept of a blob: its name, its size, a hash of what lets its uploader write and delete it, and when it ends. Not who uploaded it,
not who reads it.
"""

from __future__ import annotations

from .blobs import BlobStore, LocalBlobs, open_blobs
from .pages import MEDIA_PAGES
from .service import MediaService

__all__ = ["MEDIA_PAGES", "BlobStore", "LocalBlobs", "MediaService", "open_blobs"]
