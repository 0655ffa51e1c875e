"""Fills deploy.cfg: from work/config.properties, else from the environment."""
import configparser
import os
import sys

from jinja2 import Template

if len(sys.argv) != 3:
    sys.exit("usage: prepare_deploy_cfg.py deploy.cfg config.properties")
config, properties = sys.argv[1:]
with open(config) as f:
    template = Template(f.read())
if os.path.isfile(properties):
    values = configparser.ConfigParser()
    values.read(properties)
    given = dict(values.items("global"))
elif "KBASE_ENDPOINT" in os.environ:
    sys.exit("this module is to be given its settings in " + properties)
else:
    sys.exit("Neither " + properties + " file nor KBASE_ENDPOINT env-variable found")
# The names come out of the reader in lower case.
given["Password"] = given.get("password", "")
with open(config, "w") as f:
    f.write(template.render(given))
