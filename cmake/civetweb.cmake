# The embedded HTTP server, as the target civetweb.
#
# CIVETWEB=static (the default) compiles the distribution's source package, because the shared
# library it ships looks up a symbol that OpenSSL 3 no longer has (the first TLS connection would
# crash the process), and has no IPv6. CIVETWEB=system, or a source package that cannot be had,
# means that shared library; the code then sees CIVETWEB_SYSTEM.

# The target from a source tree, with the patch beside this file. Third-party code: no warnings of
# ours, but the same hardening.
function(civetweb_from_source tree)
    set(patch ${CMAKE_SOURCE_DIR}/cmake/civetweb.patch)
    set(patched ${CMAKE_BINARY_DIR}/civetweb/civetweb.c)
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/civetweb)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${patch})
    execute_process(COMMAND patch --silent --output=${patched}.new ${tree}/src/civetweb.c ${patch}
        RESULT_VARIABLE patch_result OUTPUT_VARIABLE patch_error ERROR_VARIABLE patch_error)
    if(NOT patch_result EQUAL 0)
        message(FATAL_ERROR "cmake/civetweb.patch does not apply to the source package of CivetWeb "
            "(${patch_error}); install the package patch, or adapt it to this version")
    endif()
    configure_file(${patched}.new ${patched} COPYONLY) # its time stays when nothing changed
    add_library(civetweb STATIC ${patched})
    target_include_directories(civetweb SYSTEM PUBLIC ${tree}/include PRIVATE ${tree}/src)
    target_compile_definitions(civetweb PRIVATE
        NO_SSL_DL OPENSSL_API_3_0         # link OpenSSL 3 instead of looking its symbols up at run time
        USE_IPV6
        NO_FILES NO_CGI NO_POPEN NO_CACHING # no document root, no programs, no file cache
        NO_ALTERNATIVE_QUEUE              # the other queue polls every millisecond while all threads are busy
        STOP_FLAG_NEEDS_LOCK              # an atomic stop flag instead of a volatile one
        USE_STACK_SIZE=262144             # a thread for each connection, hundreds of them
        SOCKET_TIMEOUT_QUANTUM=200        # ms until a waiting thread sees that the server stops
        NDEBUG)
    target_compile_options(civetweb PRIVATE -w)
    get_target_property(hardening project_flags INTERFACE_COMPILE_OPTIONS)
    list(FILTER hardening INCLUDE REGEX "^-f|^-[DU]_FORTIFY_SOURCE")
    target_compile_options(civetweb PRIVATE ${hardening})
    target_link_libraries(civetweb PRIVATE PkgConfig::SSL PkgConfig::CRYPTO Threads::Threads)
endfunction()

function(civetweb_from_system)
    find_path(CIVETWEB_INCLUDE_DIR civetweb.h)
    find_library(CIVETWEB_LIBRARY civetweb)
    if(NOT CIVETWEB_INCLUDE_DIR OR NOT CIVETWEB_LIBRARY)
        message(FATAL_ERROR "CivetWeb is missing: neither its source package nor civetweb.h and libcivetweb were "
            "found; install libcivetweb-dev, or allow source packages (deb-src) for -DCIVETWEB=static")
    endif()
    add_library(civetweb INTERFACE)
    target_include_directories(civetweb SYSTEM INTERFACE ${CIVETWEB_INCLUDE_DIR})
    target_compile_definitions(civetweb INTERFACE CIVETWEB_SYSTEM)
    target_link_libraries(civetweb INTERFACE ${CIVETWEB_LIBRARY})
endfunction()

if(NOT CIVETWEB MATCHES "^(static|system)$")
    message(FATAL_ERROR "CIVETWEB is '${CIVETWEB}', expected static or system")
endif()

set(civetweb_tree ${CMAKE_SOURCE_DIR}/build/sources/civetweb)
set(civetweb_found FALSE)
if(CIVETWEB STREQUAL "static")
    execute_process(
        COMMAND ${CMAKE_SOURCE_DIR}/cmake/source_package.sh civetweb ${CMAKE_SOURCE_DIR}/build/sources
        RESULT_VARIABLE civetweb_result ERROR_VARIABLE civetweb_error ERROR_STRIP_TRAILING_WHITESPACE)
    if(civetweb_result EQUAL 0 AND EXISTS ${civetweb_tree}/src/civetweb.c)
        set(civetweb_found TRUE)
    else()
        message(WARNING "No source package of CivetWeb (${civetweb_error}): linking the shared library instead, "
            "which can serve neither TLS nor IPv6")
    endif()
endif()

if(civetweb_found)
    civetweb_from_source(${civetweb_tree})
    message(STATUS "CivetWeb: static, from its source package")
else()
    civetweb_from_system()
    message(STATUS "CivetWeb: ${CIVETWEB_LIBRARY}")
endif()
