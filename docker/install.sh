#!/usr/bin/env bash
# Compiles warmline (release, Swift's library inside) and installs it.
#
#   docker/install.sh [DESTDIR] [PREFIX]     PREFIX is /usr/local unless given
#
# bin/warmline, its manual pages, completions, examples and a systemd unit. A libpjproject that the system's packages do
# not own comes along, in lib/warmline, so that the result runs on machines that have none.

set -euo pipefail
export LC_ALL=C

cd "$(dirname "$0")/.."
readonly destination=${1:-} prefix=${2:-/usr/local}
readonly root=$destination$prefix scratch=.build/install

swift build --quiet -c release --scratch-path "$scratch" --product warmline --static-swift-stdlib \
    -Xlinker -rpath -Xlinker "\$ORIGIN/../lib/warmline"
bin=$(swift build --quiet -c release --scratch-path "$scratch" --show-bin-path)/warmline
version=$("$bin" --version | cut -d' ' -f2)

install -D -m 755 -s "$bin" "$root/bin/warmline"

# The libraries that no package of the system brings.
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}${LD_LIBRARY_PATH:+:}/usr/local/lib
ldd "$bin" | awk '$2 == "=>" && $3 ~ /\/libpj[^\/]*$/ { print $3 }' | while read -r library; do
    if command -v dpkg >/dev/null && dpkg -S "$(readlink -f "$library")" >/dev/null 2>&1; then continue; fi
    install -D -m 644 -s "$(readlink -f "$library")" "$root/lib/warmline/$(basename "$library")"
done

mkdir -p "$root/share/man/man1" "$root/share/man/man5"
"$bin" completion man >"$scratch/commands.man"
sed -e "s/@VERSION@/$version/" -e "/@COMMANDS@/{r $scratch/commands.man
d}" Sources/Support/man/warmline.1.in | gzip -9n >"$root/share/man/man1/warmline.1.gz"
sed -e "s/@VERSION@/$version/" Sources/Support/man/warmline.json5.5.in | gzip -9n >"$root/share/man/man5/warmline.json5.5.gz"

mkdir -p "$root/share/bash-completion/completions" "$root/share/zsh/site-functions"
"$bin" completion bash >"$root/share/bash-completion/completions/warmline"
"$bin" completion zsh >"$root/share/zsh/site-functions/_warmline"

for file in $(cd dialplans && find . -type f); do
    install -D -m 644 "dialplans/$file" "$root/share/doc/warmline/dialplans/$file"
done
install -D -m 644 LICENSE "$root/share/doc/warmline/copyright"
install -D -m 644 README.md "$root/share/doc/warmline/README.md"
for file in Sources/Support/sql/*.sql; do
    install -D -m 644 "$file" "$root/share/doc/warmline/sql/$(basename "$file")"
done

mkdir -p "$root/lib/systemd/system"
sed "s|@bindir@|$prefix/bin|" docker/systemd/warmline.service >"$root/lib/systemd/system/warmline.service"
chmod 644 "$root/lib/systemd/system/warmline.service"
