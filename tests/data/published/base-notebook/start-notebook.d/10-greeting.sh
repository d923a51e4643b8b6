#!/bin/bash
export STARTED_BY=hook
