# The target inih: the INI parser, compiled from the distribution's source package.
#
# The shared library of the distribution cuts lines at 200 bytes and takes " ;" inside a value for
# a comment, which would cut secrets. It is the fallback when the source package cannot be had;
# core/ini.c (told by INIH_SYSTEM) then refuses the lines that it would cut.
set(INIH "auto" CACHE STRING "auto: static if its source can be had; static: or stop; system: the shared library")
set_property(CACHE INIH PROPERTY STRINGS auto static system)
if(NOT INIH MATCHES "^(auto|static|system)$")
    message(FATAL_ERROR "INIH is '${INIH}', expected auto, static or system")
endif()

set(inih_source ${CMAKE_SOURCE_DIR}/build/sources/libinih)
set(inih_result "not wanted")
if(NOT INIH STREQUAL "system")
    execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/source_package.sh libinih ${CMAKE_SOURCE_DIR}/build/sources
        RESULT_VARIABLE inih_result ERROR_VARIABLE inih_error ERROR_STRIP_TRAILING_WHITESPACE)
endif()

if(inih_result EQUAL 0 AND EXISTS ${inih_source}/ini.c)
    add_library(inih STATIC ${inih_source}/ini.c)
    target_include_directories(inih SYSTEM PUBLIC ${inih_source})
    # The buffer has its full size from the start: growing would leave copies of secrets behind.
    # It holds INI_LINE_MAX of core/ini.h, a line end of two bytes and a NUL.
    target_compile_definitions(inih PRIVATE
        INI_ALLOW_MULTILINE=0 INI_ALLOW_INLINE_COMMENTS=0 INI_ALLOW_NO_VALUE=0 INI_STOP_ON_FIRST_ERROR=1
        INI_USE_STACK=0 INI_ALLOW_REALLOC=0 INI_MAX_LINE=65539 INI_INITIAL_ALLOC=65539)
    target_compile_options(inih PRIVATE -w)
    message(STATUS "inih: static, from the distribution's source package")
elseif(INIH STREQUAL "static")
    message(FATAL_ERROR "inih: ${inih_error}")
else()
    pkg_check_modules(INIH_SHARED REQUIRED IMPORTED_TARGET inih)
    add_library(inih INTERFACE)
    target_link_libraries(inih INTERFACE PkgConfig::INIH_SHARED)
    target_compile_definitions(inih INTERFACE INIH_SYSTEM)
    if(INIH STREQUAL "system")
        message(STATUS "inih: the shared library; lines over 199 bytes and values with ' ;' are refused")
    else()
        message(WARNING "inih: ${inih_error}\nUsing the shared library instead: configuration lines over "
            "199 bytes and values with ' ;' will be refused.")
    endif()
endif()
