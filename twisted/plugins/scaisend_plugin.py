"""Makes `twistd scaisend` known; imported by every twistd run, so it imports nothing of ours."""

from twisted.application.service import ServiceMaker

scaisend = ServiceMaker("ScaiSend", "scaisend.app.tap", "Self-hosted transactional e-mail service", "scaisend")
