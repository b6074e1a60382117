"""What the servers serve: the endpoints, two protected views, and what a worker knows of itself."""

import os
from pathlib import Path

from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from proofs.revocation.readings import readings
from tokenauth import averify_access_token
from tokenauth.exceptions import AccessInvalid, TryAgain
from tokenauth.revocation_list import revocation_list

readings.install()


class ProbeView(APIView):
    """A protected view as a project has it; its answer says which process gave it."""

    def get(self, request: Request) -> Response:
        """Answer."""
        return Response({"user": request.user.pk})


async def async_probe(request: HttpRequest) -> JsonResponse:
    """Protect an async view by hand, as a stream or a WebSocket is."""
    raw = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        access = await averify_access_token(raw)
    except AccessInvalid:
        return JsonResponse({"code": "access_invalid"}, status=401)
    except TryAgain:
        return JsonResponse({"code": "try_again"}, status=503, headers={"Retry-After": "1"})
    return JsonResponse({"sub": access.token["sub"]})


def state(_request: HttpRequest) -> JsonResponse:
    """Say what the process knows of itself, without touching its list."""
    return JsonResponse(
        {
            "listed": len(revocation_list),
            "is_full": revocation_list._latest.is_full,
            "readings": readings.milliseconds,
            "memory": _memory(),
        }
    )


def _memory() -> dict[str, int]:
    """Return the kB that the process holds in all, and that nobody shares with it."""
    lines = Path(f"/proc/{os.getpid()}/smaps_rollup").read_text().splitlines()
    kilobytes = {line.split(":")[0]: line.split()[1] for line in lines if line.endswith(" kB")}
    private = int(kilobytes["Private_Clean"]) + int(kilobytes["Private_Dirty"])
    return {"resident": int(kilobytes["Rss"]), "private": private}


urlpatterns = [
    path("auth/", include("tokenauth.urls")),
    path("probe/", ProbeView.as_view()),
    path("async-probe/", async_probe),
    path("state/", state),
]
