"""Page and API on one origin: nothing has to be set."""

from tests.deployments.projects.base import *
