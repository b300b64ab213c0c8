"""Jira Service Management as its documentation describes it, on the stand-in of the platform that it is part of."""

from __future__ import annotations

import re
from typing import ClassVar

from werkzeug.routing import Rule

from fake_desk import Specification
from fake_jira import FakeJira, specification, text_of, units

REQUEST = "/rest/servicedeskapi/request"
DESK = "/rest/servicedeskapi/servicedesk"
REFERENCE = re.compile(r"\n?foretell [0-9a-f]{64} [0-9a-f]{64}")


class FakeServiceManagement(FakeJira):
    """The service project OPS is service desk 7, whose request type 25 takes tickets."""

    routes: ClassVar = [
        *FakeJira.routes,
        Rule(REQUEST, endpoint="request", methods=["POST"]),
        Rule(f"{REQUEST}/<number>/comment", endpoint="request_comment", methods=["POST"]),
        Rule(f"{REQUEST}/<number>/attachment", endpoint="request_attachment", methods=["POST"]),
        Rule(f"{REQUEST}/<number>/sla", endpoint="sla", methods=["GET"]),
        Rule(f"{DESK}/<desk>", endpoint="service_desk", methods=["GET"]),
        Rule(f"{DESK}/<desk>/requesttype/<kind>/field", endpoint="form", methods=["GET"]),
        Rule(f"{DESK}/<desk>/customer", endpoint="customers", methods=["GET"]),
        Rule(f"{DESK}/<desk>/attachTemporaryFile", endpoint="upload", methods=["POST"]),
    ]

    def __init__(self, judge=None):
        super().__init__(judge)
        self.form_fields = {"summary": True, "description": True}
        self.agent_of_the_desk = True
        self.people = {"customer@client.test": "customer", "my-customer@client.test": "another"}
        self.clocks = []
        self.moved_out = set()  # issues that are no requests any more
        self._files = {}

    def service_desk(self, _, desk):
        if desk not in {"7", "OPS"}:
            return refused(404, "Es gibt diesen Servicedesk nicht.")
        return 200, {"id": "7", "projectId": "10000", "projectKey": "OPS"}

    def form(self, _, desk, kind):
        if (desk, kind) != ("7", "25"):
            return refused(404, "Es gibt diesen Anfragetyp nicht.")
        fields = [
            {"fieldId": name, "name": name.title(), "required": required, "defaultValues": []}
            for name, required in self.form_fields.items()
        ]
        return 200, {"requestTypeFields": fields, "canRaiseOnBehalfOf": self.agent_of_the_desk}

    def customers(self, request, desk):
        """Find customers by a part of their name or address."""
        del desk
        if request.headers.get("X-ExperimentalApi") != "opt-in":
            return refused(412, "Diese Schnittstelle ist experimentell.")
        query = request.args["query"]
        found = [
            self.user(name, "customer") | {"emailAddress": address}
            for address, name in sorted(self.people.items(), reverse=True)
            if query in address
        ]
        return 200, {"values": found, "isLastPage": True}

    def request(self, request):
        """Make a request, of the fields that are on the form."""
        content = request.get_json()
        values = content["requestFieldValues"]
        if content["serviceDeskId"] != "7" or content["requestTypeId"] != "25":
            return refused(400, "Der Anfragetyp ist ungültig.")
        behalf = content.get("raiseOnBehalfOf")
        if behalf and behalf not in {self.user(name)["accountId"] for name in self.people.values()}:
            return refused(400, "Der Kunde ist unbekannt.")
        if not isinstance(values.get("description"), str) or units(values["description"]) > 32_767:
            return refused(400, "Die Beschreibung ist ungültig.")
        text = self.body(text_of(values["description"]))
        errors = self.errors({name: value for name, value in values.items() if name != "description"}, self.form_fields)
        errors |= {
            name: "ist erforderlich" for name, needed in self.form_fields.items() if needed and name not in values
        }
        if errors:
            return refused(400, str(errors))
        one = self.new(values | {"description": text}, self.agent)
        one["reporter"] = behalf or self.agent["accountId"]
        return 201, {"issueId": one["id"], "issueKey": one["key"], "serviceDeskId": "7", "requestTypeId": "25"}

    def asked_about(self, number):
        """Return the request with this id, None where there is none."""
        return None if number in self.moved_out else self.seen_as(number)

    def request_comment(self, request, number):
        """Add a comment of the agent, public or internal."""
        one = self.asked_about(number)
        if one is None:
            return refused(404, "Es gibt diese Anfrage nicht.")
        content = request.get_json()
        if units(content["body"]) > 32_767:
            return refused(400, "Der Text ist zu lang.")
        public = content["public"]
        said = self.say(one, self.agent, self.body(text_of(content["body"])), public=public)
        return 201, {"id": said["id"], "body": content["body"], "public": public}

    def upload(self, request, desk):
        """Keep a file until it is attached."""
        if request.headers.get("X-Atlassian-Token") != "no-check":
            return refused(403, "XSRF check failed")
        if desk != "7":
            return refused(404, "Es gibt diesen Servicedesk nicht.")
        with request.files["file"].stream as stream:
            name, content = request.files["file"].filename, stream.read()
        if len(content) > self.upload_limit:
            return refused(400, "Die Datei ist zu groß.")
        number = f"temp{len(self._files)}"
        self._files[number] = (name, len(content))
        return 201, {"temporaryAttachments": [{"temporaryAttachmentId": number, "fileName": name}]}

    def request_attachment(self, request, number):
        """Attach uploaded files, with a comment that shows them."""
        one = self.asked_about(number)
        if one is None:
            return refused(404, "Es gibt diese Anfrage nicht.")
        content = request.get_json()
        files = [self._files.pop(temporary) for temporary in content["temporaryAttachmentIds"]]
        if "attachment" not in self.ignored:
            one["files"] += files
        names = " ".join(name for name, _ in files)
        said = self.say(one, self.agent, self.body(names), public=content["public"])
        return 201, {"comment": {"id": said["id"], "public": content["public"]}}

    def sla(self, _, number):
        """Tell what was agreed."""
        if self.asked_about(number) is None:
            return refused(404, "Es gibt diese Anfrage nicht.")
        return 200, {"values": self.clocks, "isLastPage": True}

    def sees(self, ref):
        """Return what the customer reads; the line by which the ticket is found is not of the text that was asked for."""
        title, text = super().sees(ref)
        assert len(REFERENCE.findall(text)) == 1
        return title, REFERENCE.sub("", text)


def refused(code, message):
    """Return a refusal as the service desk words it."""
    return code, {"errorMessage": message, "i18nErrorMessage": {"i18nKey": "sd.error", "parameters": []}}


class Both:
    """The specifications of the service desk and of the platform, each for its own paths."""

    def __init__(self):
        self._platform = specification()
        self._desk = Specification.at_hand("jsm.ballerina.json", mend=_mend)

    def broken_by(self, request):
        """Return what in `request` breaks the one that it is for."""
        judge = self._desk if request.path.startswith("/rest/servicedeskapi/") else self._platform
        return judge.broken_by(request)


def _mend(document):
    """Correct what this copy says of an upload: its own description asks for a form with a `file`."""
    form = {"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]}
    upload = document["paths"][f"{DESK}/{{serviceDeskId}}/attachTemporaryFile"]["post"]
    upload["requestBody"]["content"] = {"multipart/form-data": {"schema": form}}
