"""The Debian package: built, lived with, and installed by somebody who has the documents alone."""
