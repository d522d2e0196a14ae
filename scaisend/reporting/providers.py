"""Who keeps an address's mailbox: by its domain, or by the host that takes the domain's mail."""

from collections.abc import Mapping

OTHER = "Other"

# provider → its domains, and the first labels of families such as yahoo.com, yahoo.nl, yahoo.co.uk and yahoo.com.br
_DOMAINS: Mapping[str, tuple[str, str]] = {
    "Gmail": ("gmail.com googlemail.com", ""),
    "Outlook": ("msn.com passport.com windowslive.com", "outlook hotmail live"),
    "Yahoo": ("ymail.com rocketmail.com myyahoo.com", "yahoo"),
    "AOL": ("aim.com verizon.net", "aol"),
    "Apple": ("icloud.com me.com mac.com privaterelay.appleid.com", ""),
    "Proton": ("proton.me protonmail.com protonmail.ch pm.me", ""),
    "Fastmail": ("fastmail.com fastmail.fm", ""),
    "GMX": ("gmx.net", "gmx"),
    "WEB.DE": ("web.de", ""),
    "T-Online": ("t-online.de magenta.de", ""),
    "freenet": ("freenet.de", ""),
    "Orange": ("orange.fr wanadoo.fr", ""),
    "Free": ("free.fr", ""),
    "SFR": ("sfr.fr neuf.fr", ""),
    "LaPoste": ("laposte.net", ""),
    "Ziggo": ("ziggo.nl home.nl upcmail.nl casema.nl", ""),
    "KPN": ("kpnmail.nl planet.nl hetnet.nl xs4all.nl", ""),
    "Proximus": ("skynet.be proximus.be", ""),
    "Telenet": ("telenet.be", ""),
    "BT": ("btinternet.com btopenworld.com", ""),
    "Sky": ("sky.com", ""),
    "Virgin Media": ("virginmedia.com ntlworld.com blueyonder.co.uk", ""),
    "Libero": ("libero.it virgilio.it", ""),
    "Bluewin": ("bluewin.ch", ""),
    "Seznam": ("seznam.cz email.cz", ""),
    "WP": ("wp.pl o2.pl", ""),
    "Onet": ("onet.pl op.pl", ""),
    "Mail.ru": ("mail.ru bk.ru inbox.ru list.ru internet.ru", ""),
    "Yandex": ("ya.ru", "yandex"),
    "Comcast": ("comcast.net xfinity.com", ""),
    "AT&T": ("att.net sbcglobal.net bellsouth.net", ""),
    "Spectrum": ("charter.net rr.com twc.com", ""),
    "Cox": ("cox.net", ""),
    "Bell": ("sympatico.ca bell.net", ""),
    "UOL": ("uol.com.br bol.com.br", ""),
    "Terra": ("terra.com.br", ""),
    "QQ": ("qq.com foxmail.com", ""),
    "NetEase": ("163.com 126.com yeah.net", ""),
    "Sina": ("sina.com sina.cn", ""),
    "Naver": ("naver.com", ""),
    "Daum": ("daum.net hanmail.net kakao.com", ""),
    "Rediff": ("rediffmail.com", ""),
    "Docomo": ("docomo.ne.jp", ""),
    "Zoho": ("zohomail.com zohomail.eu", ""),
}
# provider → domains that the names of its mail hosts end in
_HOSTS: Mapping[str, str] = {
    "Google Workspace": "google.com googlemail.com psmtp.com",
    "Outlook": "olc.protection.outlook.com",
    "Microsoft 365": "protection.outlook.com mx.microsoft",
    "Yahoo": "yahoodns.net",
    "Apple": "icloud.com",
    "Proton": "protonmail.ch proton.ch",
    "Fastmail": "messagingengine.com",
    "Zoho": "zoho.com zoho.eu zoho.in",
    "Yandex": "yandex.net yandex.ru",
    "Mail.ru": "mail.ru",
    "QQ": "qq.com",
    "NetEase": "netease.com",
    "Proofpoint": "pphosted.com ppe-hosted.com",
    "Mimecast": "mimecast.com mimecast.co.za",
    "Barracuda": "barracudanetworks.com cudamail.com",
    "Cisco": "iphmx.com",
    "Symantec": "messagelabs.com",
    "Hornetsecurity": "hornetsecurity.com antispameurope.com",
    "GoDaddy": "secureserver.net",
    "Rackspace": "emailsrvr.com",
    "Amazon": "amazonaws.com awsapps.com",
    "IONOS": "kundenserver.de perfora.net ionos.com 1and1.com",
    "Strato": "rzone.de",
    "OVH": "ovh.net",
    "Gandi": "gandi.net",
    "Infomaniak": "infomaniak.ch ikmail.com",
    "one.com": "one.com",
    "TransIP": "transip.email transip.nl",
    "Hostinger": "hostinger.com titan.email",
    "Cloudflare": "mx.cloudflare.net",
}
_BY_DOMAIN = {domain: provider for provider, (domains, _) in _DOMAINS.items() for domain in domains.split()}
_BY_FAMILY = {label: provider for provider, (_, labels) in _DOMAINS.items() for label in labels.split()}
_BY_HOST = {domain: provider for provider, domains in _HOSTS.items() for domain in domains.split()}


def provider_of_domain(domain: str) -> str | None:
    """The provider that is known by the domain alone, or None."""
    known = _BY_DOMAIN.get(domain)
    if known is not None:
        return known
    first, _, rest = domain.partition(".")
    labels = rest.split(".")
    is_country = len(labels) == 1 or (len(labels) == 2 and labels[0] in ("co", "com", "ne") and len(labels[1]) == 2)
    return _BY_FAMILY.get(first) if is_country else None


def provider_of_host(host: str) -> str:
    """The provider that the mail host is run by, or OTHER. The longest ending that is known decides."""
    labels = host.rstrip(".").lower().split(".")
    return next((_BY_HOST[name] for start in range(len(labels) - 1) if (name := ".".join(labels[start:])) in _BY_HOST), OTHER)
