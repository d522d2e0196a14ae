"""What can be wrong with a send request: SendGrid's sentences, word by word where they are known, and ours in their manner.

Sentences with `{…}` are filled in by `str.format`. A fault's help is SendGrid's address for its field, whose path loses its
indexes and, in a mailbox, the last step: `personalizations.0.to.0.email` is helped at `#message.personalizations.to`.
"""

from scaisend.faults import Fault, Invalid

HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#"
NO_HELP = "none"
MOST_FAULTS = 1000
SHOWN = 100

PERSONALIZATIONS_NEEDED = "The personalizations field is required and must have at least one personalization."
PERSONALIZATIONS_MANY = (
    "The personalization block is limited to 1000 personalizations per API request. You have provided {} personalizations. "
    "Please consider splitting this into multiple requests and resending your request."
)
RECIPIENTS_MANY = "There is a limit of 1000 total recipients (to + cc + bcc) per request."
TO_NEEDED = (
    "The to array is required for all personalization objects, and must have at least one email object with a valid email address."
)
DUPLICATE = (
    "Each email address in the personalization block should be unique between to, cc, and bcc. "
    "We found the first duplicate instance of [{}] in the personalizations.{}.{} field."
)
ADDRESS = "Does not contain a valid address."
ADDRESS_LONG = "The {} email exceeds the maximum total length of 320 characters"
NAME_UNSAFE = "The name cannot contain CR, LF or NUL characters."
NAME_LONG = "The name cannot be longer than 255 characters."
FROM_NEEDED = (
    "The from object must be provided for every email send. It is an object that requires the email parameter, but may also "
    'contain a name parameter.  e.g. {"email" : "example@example.com"}  or '
    '{"email" : "example@example.com", "name" : "Example Recipient"}.'
)
FROM_ADDRESS = "The from email does not contain a valid address."
FROM_OTHER_DOMAIN = "The from email of a personalization must have the same domain as the from email of the request."
REPLY_TO_BOTH = "The reply_to and reply_to_list parameters cannot both be given."
REPLY_TO_MANY = "There is a limit of 1000 addresses in the reply_to_list."
REPLY_TO_UNIQUE = "Each email address in the reply_to_list must be unique. We found the first duplicate instance of [{}]."
SUBJECT_NEEDED = (
    "The subject is required. You can get around this requirement if you use a template with a subject defined or if every "
    "personalization has a subject defined."
)
SUBJECT = "The subject of your email must be a string at least one character in length."
SUBJECT_UNSAFE = "The subject of your email cannot contain CR, LF or NUL characters."
CONTENT_NEEDED = (
    "Unless a valid template_id is provided, the content parameter is required. There must be at least one defined content block. "
    "We typically suggest both text/plain and text/html blocks are included, but only one block is required."
)
CONTENT_VALUE_NEEDED = "A content value is required, this is the content of the email you are sending."
CONTENT_VALUE = "The content value must be a string at least one character in length."
CONTENT_TYPE_NEEDED = "A content type is required, this tells email clients how to display the email."
CONTENT_TYPE = "Your content type must be a string with length of at least one character."
CONTENT_TYPE_UNSAFE = "Cannot contain ';', or CRLF characters."
CONTENT_TYPE_MEDIA = "Your content type must be a media type such as text/plain."
CONTENT_ORDER = (
    "Following RFC 1341, section 7.2, if either text/html or text/plain are to be sent in your email: text/plain needs to be first, "
    "followed by text/html, followed by any other content."
)
CONTENT_ONCE = "If present, text/plain and text/html may only be provided once."
ATTACHMENT_NEEDED = "The attachment content is required."
ATTACHMENT_EMPTY = "The attachment content must be a string at least one character in length."
ATTACHMENT_BASE64 = "The attachment content must be base64 encoded."
FILENAME_NEEDED = "filename is required."
FILENAME = "The filename of your attachment must be a string."
FILENAME_UNSAFE = "The filename of your attachment cannot contain CRLF characters."
ATTACHMENT_TYPE = "The attachment type must be a string and at least one character in length."
ATTACHMENT_TYPE_UNSAFE = "The type cannot contain ';', or CRLF characters."
DISPOSITION = "The disposition of your attachment can be either 'inline' or 'attachment'."
CONTENT_ID = "The content ID of your attachment must be a string. You provided {}."
CONTENT_ID_UNSAFE = "The content ID of your attachment cannot contain CRLF characters."
MESSAGE_LARGE = "The total size of your email, attachments included, must not exceed 30MB."
TEMPLATE = "The template ID must be a string, you provided {}."
TEMPLATE_GUID = "The template_id must be a valid GUID, you provided '{}'."
TEMPLATE_NEEDED = "The template_id is required when using dynamic templates"
DYNAMIC_DATA_LEGACY = "Cannot use dynamic template data with a legacy template ID"
DYNAMIC_DATA_DEEP = "The dynamic template data may be nested 250 levels deep at most."
SUBSTITUTIONS_DYNAMIC = "Substitutions may not be used with dynamic templating"
SUBSTITUTIONS_MANY = "You are limited to 10,000 substitutions."
SUBSTITUTIONS_LARGE = "The combined size of the substitutions may not exceed 50,000 bytes per personalization."
SECTIONS = "The section values must be strings."
CUSTOM_ARGS_LARGE = (
    "The combined size of both global and personalization custom arguments may not exceed 10,000 bytes per personalization."
)
HEADERS_DOUBLED = "The headers cannot contain duplicate keys."
HEADER_NAME = "Header keys cannot contain non-ASCII characters and empty spaces."
HEADER_NAME_PERSONAL = "Header keys cannot contain non-ASCII characters or empty spaces."
HEADER_RESERVED = "Header can not be one of the reserved keys."
HEADER_RESERVED_PERSONAL = "Header cannot be one of the reserved keys."
HEADER_UNSAFE = "Header values cannot contain CR, LF or NUL characters."
CATEGORIES = "Categories must be an array of strings."
CATEGORIES_MANY = "There is a limit of 10 categories for each email that is sent. You provided {} categories."
CATEGORY_LONG = "Each category must not be longer than 255 characters. {} exceeds this limit"
CATEGORY_TWICE = "The categories must be a unique list, and you have included {} more than once. "
CATEGORY_ASCII = "Categories can not contain non-ASCII characters."
CATEGORY_UNSAFE = "Categories cannot contain CR, LF or NUL characters."
SEND_AT = (
    "The send_at parameter is expecting a Unix timestamp as an integer. "
    "We will send immediately if you include a send_at timestamp that is in the past."
)
SEND_AT_FAR = "Scheduling more than 72 hours in advance is forbidden."
BATCH = "The batch_id must be a string."
BATCH_INVALID = "invalid batch id"
GROUP = "The ASM group ID must be an integer."
GROUPS = "The ASM Group IDs to display must be an array of integers."
GROUPS_MANY = "There is a limit of 25 unsubscribe groups that can be displayed to a user at a time."
POOL = "The name of your IP pool must be a string."
POOL_INVALID = "The IP Pool name must be a valid pool name for your account. You provided {}."
BYPASS_BOTH = "The bypass_list_management setting cannot be combined with the other bypass settings."

_TYPE_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


class Found:
    """The faults of one request, gathered while it is walked; after MOST_FAULTS no more are kept."""

    __slots__ = ("faults",)

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(self, message: str, field: str, anchor: str = "") -> None:
        """A fault at `field`; its help is `anchor`'s, none for NO_HELP, or else what the field's path leads to."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(message, field, None if anchor == NO_HELP else HELP + (anchor or _anchor(field))))

    def add_type(self, expected: str, given: object, field: str, anchor: str = "") -> None:
        """`Invalid type.`, with the JSON names of what was expected and given."""
        self.add(f"Invalid type. Expected: {expected}, given: {type_name(given)}.", field, anchor)

    def add_unknown(self, value: dict[str, object], allowed: frozenset[str], path: str) -> None:
        """One fault for each property of `value` that is not `allowed`; `path` is the object's, empty at the root."""
        for name in value:
            if name not in allowed:
                self.add(f"Additional property {shown(name)} is not allowed.", f"{path}.{shown(name)}" if path else shown(name), NO_HELP)


def bad_request() -> Invalid:
    """The only thing that is said of a body that is not understood at all."""
    return Invalid("Bad Request")


def type_name(value: object) -> str:
    """JSON's name for the type of a decoded value."""
    return _TYPE_NAMES[type(value)]


def shown(value: object) -> str:
    """What a message repeats of a given value: not too much of it."""
    text = value if isinstance(value, str) else type_name(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _anchor(field: str) -> str:
    steps = [step for step in field.split(".") if not step.isdigit()]
    if len(steps) > 1 and steps[-1] in ("email", "name") and steps[-2] in ("to", "cc", "bcc", "from", "reply_to", "reply_to_list"):
        steps.pop()
    return "message." + ".".join(steps)
