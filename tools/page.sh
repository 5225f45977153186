#!/usr/bin/env bash
# page.sh PAGE - a page of the manual (.md) or a man page as HTML on stdout; links to other pages lead to their HTML.
set -eu

nav='<nav><a href="index.html">Manual</a> <a href="lua/index.html">Lua modules</a> <a href="helios.3.html">C interface</a>
<a href="helios.1.html">Command</a></nav>'

case $1 in
  *.md) ;;
  *)
    html=$(mandoc -T html -O style=style.css "$1")
    printf '%s\n' "${html/<body>/<body>$nav}"
    exit
    ;;
esac

title=$(sed -n 's/^# //p' "$1" | head -n 1)
cat <<END
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title - Helios for Lua and C</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
$nav
<main>
END
sed -e 's/](README\.md)/](index.html)/g' -e 's/](\([a-z-]*\)\.md\(#[^)]*\)\{0,1\})/](\1.html\2)/g' "$1" \
  | markdown -f fencedcode,githubtags,autolink,-style
printf '</main>\n</body>\n</html>\n'
