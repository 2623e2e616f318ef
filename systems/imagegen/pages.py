from systems.base import Page

PAGES: tuple[Page, ...] = ()
