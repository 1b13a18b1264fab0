"""What the client raises: a class for each code of the API.  Use: from waijiao.errors import NoSpeech"""

from pipeline.errors import *  # noqa: F403 - all of them, under the name of the package that people import
