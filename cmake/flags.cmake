# The compile and link flags of the project's own code, as the interface target project_flags.
# Third-party sources do not use it.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

add_library(project_flags INTERFACE)
target_include_directories(project_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(project_flags INTERFACE _GNU_SOURCE)
target_compile_options(project_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
    -Wvla -Wformat=2 -Wimplicit-fallthrough -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings
    -fno-common -fno-omit-frame-pointer
    -include ${CMAKE_SOURCE_DIR}/core/banned.h)
if(WERROR)
    target_compile_options(project_flags INTERFACE -Werror)
endif()

# Adds a flag when the compiler (or linker) knows it.
function(add_probed_compile_flag flag)
    string(MAKE_C_IDENTIFIER "HAVE_C${flag}" result)
    check_c_compiler_flag(${flag} ${result})
    if(${result})
        target_compile_options(project_flags INTERFACE ${flag})
    endif()
endfunction()

function(add_probed_link_flag flag)
    string(MAKE_C_IDENTIFIER "HAVE_L${flag}" result)
    check_linker_flag(C ${flag} ${result})
    if(${result})
        target_link_options(project_flags INTERFACE ${flag})
    endif()
endfunction()

# Asserts guard against corruption, so they stay on in a release.
foreach(configuration RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${configuration} "${CMAKE_C_FLAGS_${configuration}}")
endforeach()

# No path of this machine goes into a release: the same sources give the same bytes in any folder.
if(HARDENING)
    add_compile_options(-ffile-prefix-map=${CMAKE_BINARY_DIR}=build -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
endif()

# The hardening set of the OpenSSF compiler options guide.
if(HARDENING)
    set(CMAKE_POSITION_INDEPENDENT_CODE ON)
    foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
            -ftrivial-auto-var-init=zero -fno-delete-null-pointer-checks -fno-strict-overflow
            -fstrict-flex-arrays=3 -fPIE)
        add_probed_compile_flag(${flag})
    endforeach()
    check_c_compiler_flag(-D_FORTIFY_SOURCE=3 HAVE_FORTIFY_3)
    if(HAVE_FORTIFY_3)
        target_compile_options(project_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
    else()
        target_compile_options(project_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    endif()
    foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code -Wl,--as-needed -pie)
        add_probed_link_flag(${flag})
    endforeach()
endif()

if(SANITIZE STREQUAL "address")
    set(sanitizer_flags -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(SANITIZE STREQUAL "thread")
    set(sanitizer_flags -fsanitize=thread)
elseif(NOT SANITIZE STREQUAL "")
    message(FATAL_ERROR "SANITIZE is '${SANITIZE}', expected address, thread or nothing")
endif()
if(FUZZERS)
    # Coverage for libFuzzer, which is linked where its main() is.
    list(APPEND sanitizer_flags -fsanitize=fuzzer-no-link)
endif()
if(sanitizer_flags)
    # Third-party code built here is instrumented too, so that its memory accesses are seen.
    add_compile_options(${sanitizer_flags})
    add_link_options(${sanitizer_flags})
endif()
