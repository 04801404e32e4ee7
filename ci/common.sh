# What the steps share; sourced, with bash -euo pipefail. Everything that somebody else may have written (names of
# branches, files, arguments) comes in through the environment, is quoted, and never becomes code.

die() {
  printf 'tenantctl: %s\n' "$*" >&2
  exit 1
}

# One step's results for the next: $1=$2. Only words and numbers of our own, so that no line can hold another.
output() {
  [[ $2 =~ ^[A-Za-z0-9_./-]*$ ]] || die "the output $1 cannot be \"$2\""
  if [ -n "${GITHUB_OUTPUT:-}" ]; then
    printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"
  fi
}

# Shows a page with the run. $1: a file of Markdown.
summarize() {
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    cat -- "$1" >> "$GITHUB_STEP_SUMMARY"
  fi
}

# Runs a command whose output may hold anything. The runner of GitHub obeys lines that begin with "::" until it is told
# not to: https://docs.github.com/actions/reference/workflow-commands-for-github-actions#stopping-and-starting-workflow-commands
quietly_obeyed() {
  local token code=0
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  [ -z "${GITHUB_ACTIONS:-}" ] || echo "::stop-commands::$token"
  "$@" || code=$?
  [ -z "${GITHUB_ACTIONS:-}" ] || echo "::$token::"
  return "$code"
}

# Which configuration: sets `configuration`, the arguments that name it.
#
#   DIRECTORY         the configuration directory; default: the current one
#   FILES             its tenants files, a name a line; default: every *.hcl
#   BASE_DIRECTORY    the same directory as it is on the protected branch. Given, CLUSTER_FILE comes from there, so that
#                     a change under review does not say where the password is sent.
#   CLUSTER_FILE      default: cluster.hcl
#   ARGUMENTS         more arguments, one a line
configure() {
  local directory base='' file line
  directory=$(real "${DIRECTORY:-.}")
  local files=()
  while IFS= read -r line; do
    [ -z "$line" ] || files+=("$directory/$line")
  done <<< "${FILES:-}"
  if [ ${#files[@]} -eq 0 ]; then
    for file in "$directory"/*.hcl; do
      if [ -e "$file" ] || [ -L "$file" ]; then files+=("$file"); fi
    done
  fi
  configuration=(-C "$directory")
  local cluster=${CLUSTER_FILE:-cluster.hcl}
  if [ -n "${BASE_DIRECTORY:-}" ]; then
    base=$(real "$BASE_DIRECTORY")
    configuration=(-C "$base" --file "$base/$cluster" --cluster-file "$base/$cluster")
  fi
  for file in "${files[@]}"; do
    # Messages show the lines of a file, and a link can lead to any: /proc/self/environ holds the password.
    if [ -L "$file" ] || [ ! -f "$file" ]; then die "$file is no plain file"; fi
    if [ -z "$base" ] || [ "$file" != "$directory/$cluster" ]; then configuration+=(--file "$file"); fi
  done
  while IFS= read -r line; do
    [ -z "$line" ] || configuration+=("$line")
  done <<< "${ARGUMENTS:-}"
  [ -z "$base" ] || complete "$base" "$cluster"
}

# The cluster's file has to be complete by itself: a variable that another file sets would be a way around it.
complete() {
  local said
  [ -f "$1/$2" ] || die "there is no $2 on the protected branch: the cluster block has to be in a file of its own"
  said=$("$TENANTCTL" -C "$1" validate --file "$1/$2" 2>&1) \
    || die "$2 of the protected branch is not complete by itself: $said"
}

# A directory without links on the way, inside the workspace.
real() {
  local path workspace
  path=$(cd -P -- "$1" 2> /dev/null && pwd) || die "there is no directory $1"
  workspace=$(cd -P -- "${GITHUB_WORKSPACE:-${CI_PROJECT_DIR:-.}}" && pwd)
  case $path/ in
    "$workspace"/*) printf '%s' "$path" ;;
    *) die "$1 leads out of the workspace" ;;
  esac
}
