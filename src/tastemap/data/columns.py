"""Which column is which: names that logs use, and a look at the values."""

import difflib
from collections.abc import Mapping, Sequence

from tastemap.errors import UsageError

Column = str | int | None

ROLES = ("user", "item", "time", "weight")

NAMES: Mapping[str, tuple[str, ...]] = {
    "user": tuple(
        """userid user uid listener viewer reader userno usernumber username userlogin customerid
        customer custid
        customerno clientid client memberid accountid profileid personid visitorid fullvisitorid
        visitor viewerid listenerid readerid playerid shopperid buyerid subscriberid patientid
        studentid reviewerid reviewer authorid householdid householdkey anonid cookieid deviceid
        sessionid session sid basketid basket orderid invoiceno invoice u""".split()
    ),
    "item": tuple(
        """itemid item iid itemno movieid movie filmid film imdbid tmdbid asin parentasin productid
        product prodid skuid sku stockcode articleid article articleno goodsid bookid book isbn
        trackid track songid song recordingid artistid artist albumid album gameid game appid showid
        animeid anime mangaid videoid video podcastid episodeid newsid storyid recipeid businessid
        placeid venueid poiid locationid hotelid restaurantid listingid courseid jobid postid
        questionid contentid documentid docid pageid adid offerid beerid wineid jokeid i""".split()
    ),
    "time": tuple(
        """timestamp ts unixreviewtime unixtime unixtimestamp time datetime timestampms timestamputc
        eventtime eventtimestamp createdat createdate created ratedat date invoicedate orderdate
        purchasedate transactiondate tdat reviewtime reviewdate playedat listenedat watchedat
        viewedat clickedat visitedat eventdate checkintime checkinat t""".split()
    ),
    "weight": tuple(
        """rating ratings userrating ratingvalue bookrating overall stars starrating star score
        weight count counts plays playcount numplays listens listencount quantity qty purchases
        clicks views viewcount hours hoursplayed playtime confidence strength preference r
        w""".split()
    ),
    "title": tuple(
        """title movietitle booktitle name itemname productname producttitle trackname songname
        songtitle artistname gamename itemtitle itemdescription productdescription
        description""".split()
    ),
    "labels": tuple(
        """genres genre labels label tags categories category maincategory topics topic
        department producttype""".split()
    ),
}
"""Normalised column names of each role, most telling first."""


def normalised(name: str) -> str:
    """A column name without case, blanks, punctuation and typed suffix.

    >>> normalised("User_ID"), normalised("item_id:token")
    ('userid', 'itemid')
    """
    return "".join(c for c in name.split(":")[0].casefold() if c.isalnum())


def is_known_name(name: str) -> bool:
    """Whether any role knows this column name.

    >>> is_known_name("StockCode"), is_known_name("196")
    (True, False)
    """
    return any(normalised(name) in names for names in NAMES.values())


def by_name(role: str, names: Sequence[str], taken: Sequence[int] = ()) -> int | None:
    """The position of the column whose name tells this role best, or None.

    >>> by_name("user", ["session", "CustomerID", "StockCode"])
    1
    """
    free = {normalised(name): i for i, name in reversed(list(enumerate(names))) if i not in taken}
    return next((free[name] for name in NAMES[role] if name in free), None)


def given_column(role: str, given: str | int, names: Sequence[str], shown: str) -> int:
    """The position of the column that the user named, or numbered from 0."""
    if isinstance(given, str) and given in names:
        return names.index(given)
    number = int(given) if isinstance(given, int) or given.isdecimal() else None
    if number is not None and 0 <= number < len(names):
        return number
    if number is not None:
        raise UsageError(
            f"{role} = column {number}, and {shown} has {len(names)} columns",
            f"a column number from 0 to {len(names) - 1}, or a name: {listed(names)}",
            f"pass another column as {role}= (--{role})",
        )
    near = difflib.get_close_matches(str(given), names, n=1, cutoff=0.5) or [
        name for name in names if normalised(name) == normalised(str(given))
    ]
    raise UsageError(
        f"{role} = {given!r}, which is no column of {shown}",
        f"one of its columns: {listed(names)}",
        f"did you mean {near[0]!r}?" if near else f"pass one of these as {role}= (--{role})",
    )


def require_distinct(chosen: Mapping[str, int | None], names: Sequence[str]) -> None:
    """Refuse one column in two roles."""
    roles: dict[int, str] = {}
    for role, position in chosen.items():
        if position is None:
            continue
        if position in roles:
            raise UsageError(
                f"column {names[position]!r} as both {roles[position]} and {role}",
                "a column of its own for each of user, item, time and weight",
                f"name another column for one of them: {listed(names)}",
            )
        roles[position] = role


def listed(names: Sequence[str], most: int = 30) -> str:
    """Column names for a message, cut where there are very many.

    >>> listed(["u", "i"])
    'u, i'
    """
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + more
