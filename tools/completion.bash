# Completion of `helios` for bash. Commands and options come from the command's own help, so that they cannot differ.

_helios() {
  local word=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} command=${COMP_WORDS[1]} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p') -e -l --help --version"
  elif [ "${word:0:1}" = - ]; then
    words=$("$program" "$command" --help 2>/dev/null | grep -o -e '--[a-z][a-z-]*')
  fi
  while IFS= read -r word; do COMPREPLY+=("$word"); done \
    < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"; compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
  compopt -o filenames 2>/dev/null
}
complete -F _helios helios
