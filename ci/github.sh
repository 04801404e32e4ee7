# GitHub's API, with curl; sourced after common.sh.
#
#   GITHUB_API_URL, GITHUB_REPOSITORY    set by the runner
#   GITHUB_TOKEN                         a token that may write comments or issues
#   AUTHOR                               whose comments are ours; default: github-actions[bot]
#   KEY                                  tells apart what several directories of a repository have to say

# The longest body that GitHub takes, in characters; bytes are never fewer.
readonly BODY_LIMIT=65536

# $1: the method; $2: the path; $3: a file with the JSON to send. The token is in no process's arguments.
github() {
  local arguments=(--silent --show-error --fail-with-body --max-time 60 --retry 3 --request "$1")
  [ -z "${3:-}" ] || arguments+=(--header 'Content-Type: application/json' --data-binary "@$3")
  curl "${arguments[@]}" --header @<(printf 'Authorization: Bearer %s\n' "$GITHUB_TOKEN") \
    --header 'Accept: application/vnd.github+json' --header 'X-GitHub-Api-Version: 2022-11-28' \
    "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY$2"
}

marker() {
  printf '<!-- tenantctl:%s -->' "$(printf '%s' "${KEY:-.}" | tr -c 'A-Za-z0-9._/-' '_')"
}

# The number ($2) of the first item under a path ($1) that begins with our marker and is ours. Somebody else may write
# the marker too, and would go on owning what we then write over it.
find_ours() {
  local page=1 items found
  while :; do
    items=$(github GET "$1per_page=100&page=$page")
    found=$(jq -r --arg marker "$(marker)" --arg author "${AUTHOR:-github-actions[bot]}" --arg number "$2" \
      '[.[] | select(.user.login == $author and (.pull_request | not) and ((.body // "") | startswith($marker)))]
       | first | .[$number] // empty' <<< "$items")
    [ -z "$found" ] || break
    [ "$(jq length <<< "$items")" -eq 100 ] || break
    page=$((page + 1))
  done
  printf '%s' "$found"
}

# The body of what is posted, as JSON in the file $1: the marker, the Markdown file $2, which commit and run it is of,
# and the title $3, if any.
body() {
  local text
  text=$(marker; printf '\n'; cat -- "$2"; printf '\n\nCommit `%s`, [run](%s/%s/actions/runs/%s).' \
    "${SHA:-$GITHUB_SHA}" "$GITHUB_SERVER_URL" "$GITHUB_REPOSITORY" "$GITHUB_RUN_ID")
  [ "$(printf '%s' "$text" | wc -c)" -le "$BODY_LIMIT" ] || die "$2 is too long for GitHub"
  printf '%s' "$text" | jq --raw-input --slurp --arg title "${3:-}" \
    '{body: .} + (if $title == "" then {} else {title: $title} end)' > "$1"
}
