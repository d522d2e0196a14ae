"""Templates, and the images that mails show."""

from twisted.internet.defer import DeferredLock
from twisted.internet.threads import deferToThread

from scaisend.app.assembly import Assembly
from scaisend.content.images_api import ImagesApi
from scaisend.content.templates_api import TemplatesApi
from scaisend.http.route import Route


def routes(assembly: Assembly) -> list[Route]:
    """The doors of templates and of images, of which one is made smaller at a time."""
    adapters, one_image = assembly.adapters, DeferredLock()
    return [
        *TemplatesApi(database=adapters.database, ids=adapters.ids, in_thread=lambda fn: deferToThread(fn)).routes(),
        *ImagesApi(
            database=adapters.database, objects=adapters.objects, ids=adapters.ids, base_url=adapters.config["TRACKING_BASE_URL"],
            in_thread=lambda fn: one_image.run(deferToThread, fn), encode=assembly.encode_attachment,
        ).routes(),
    ]
