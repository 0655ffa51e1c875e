#!/bin/bash

. /kb/deployment/user-env.sh

python ./scripts/prepare_deploy_cfg.py ./deploy.cfg ./work/config.properties

if [ -f ./work/token ] ; then
  export KB_AUTH_TOKEN=$(<./work/token)
fi

if [ $# -eq 0 ] ; then
  bash ./scripts/start_server.sh
elif [ "${1}" = "bash" ] ; then
  bash
else
  echo Unknown
  exit 1
fi
