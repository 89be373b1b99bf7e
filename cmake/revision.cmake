# REVISION: the commit the build was made from; "unknown" outside a checkout. -DREVISION=… says it for a
# tree without .git, such as that of a container's build.
if(REVISION)
    return()
endif()
set(REVISION "unknown")
find_package(Git QUIET)
if(GIT_FOUND AND EXISTS ${CMAKE_SOURCE_DIR}/.git)
    execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --short=12 HEAD
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE revision_output
        OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE revision_result)
    if(revision_result EQUAL 0)
        set(REVISION "${revision_output}")
    endif()
endif()
