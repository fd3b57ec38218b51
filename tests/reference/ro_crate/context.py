"""Terms of the RO-Crate 1.1 context that our metadata file uses, cut from the published one (CC0).

python context.py path/to/ro-crate/docs/_specification/1.1/context.jsonld > context.json

The terms are those of researchobject.org at version 1.1.3 of the context; the second context of the crate adds
``sha256`` (ro-terms, workflow-run/context.json). A term that is not here is not known in the test, and is found.
"""

import json
import sys

TERMS = (
    *("CreativeWork", "CreateAction", "Dataset", "File", "SoftwareApplication", "PropertyValue"),
    *("ComputationalWorkflow", "ComputerLanguage", "FormalParameter", "SoftwareSourceCode"),
    *("about", "actionStatus", "additionalType", "conformsTo", "contentSize", "datePublished", "description"),
    *("encodingFormat", "exampleOfWork", "hasPart", "identifier", "input", "instrument", "license", "mainEntity"),
    *("mentions", "name", "object", "output", "programmingLanguage", "result", "softwareRequirements"),
    *("softwareVersion", "url", "value", "version", "workExample"),
)

if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        published = json.load(file)["@context"]
    print(json.dumps({"@context": {term: published[term] for term in TERMS}}, indent=2))
