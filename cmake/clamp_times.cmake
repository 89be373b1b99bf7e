# Run by CPack over what it is about to pack: no file is younger than SOURCE_DATE_EPOCH, so that the same
# sources make the same package.
if(DEFINED ENV{SOURCE_DATE_EPOCH})
    execute_process(COMMAND find ${CPACK_TEMPORARY_DIRECTORY} -newermt "@$ENV{SOURCE_DATE_EPOCH}"
        -exec touch --no-dereference "--date=@$ENV{SOURCE_DATE_EPOCH}" {} +
        COMMAND_ERROR_IS_FATAL ANY)
endif()
