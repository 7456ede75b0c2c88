"""
Customer mail: ``messages/`` holds the words, one folder per message and one file per language in it.

:mod:`~rastro.mail.render` makes a storable text without anything personal, :mod:`~rastro.mail.compose` puts it in an
envelope with name and address, :mod:`~rastro.mail.smtp` hands that to a server and sorts what the server says.
"""
