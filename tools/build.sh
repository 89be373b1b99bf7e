# Sourced: builds that several commands need.
# shellcheck shell=bash

# Configured each time, so that the binary names the commit that it is built from; REVISION names it where
# there is no .git.
build_release() {
    cmake --preset release -DREVISION="${REVISION:-}" && cmake --build --preset release
}

# The simulator alone; the release has no tests and so none of it.
build_simulator() {
    cmake -S test/das_sim -B build/das_sim -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo &&
        cmake --build build/das_sim --target das_sim
}

# The Debian package of the release, into the folder $1. Its files are as old as the commit.
build_package() (
    umask 022
    export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
    cpack --config build/release/CPackConfig.cmake -B "$1"
)
