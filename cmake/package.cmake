# What is installed, and the Debian package that CPack makes of it.
#
# The unit file and the maintainer scripts name /usr and /etc, so install with the prefix /usr (the
# release preset) and DESTDIR.
include(GNUInstallDirs)

set(pages ${CMAKE_BINARY_DIR}/pages)
add_custom_command(
    OUTPUT ${pages}/mysql_session_exporter.8.gz ${pages}/mysql_session_exporter.bash
    COMMAND ${CMAKE_SOURCE_DIR}/tools/help_pages.sh $<TARGET_FILE:mysql_session_exporter> ${pages}
    COMMAND gzip -9nf ${pages}/mysql_session_exporter.8
    DEPENDS mysql_session_exporter ${CMAKE_SOURCE_DIR}/tools/help_pages.sh
        ${CMAKE_SOURCE_DIR}/deploy/debian/mysql_session_exporter.8.in
        ${CMAKE_SOURCE_DIR}/deploy/debian/mysql_session_exporter.bash.in
    COMMENT "Manual page and completion")
add_custom_target(help_pages ALL DEPENDS ${pages}/mysql_session_exporter.8.gz)

# The service's secrets are its credentials: what the reference takes from the environment variable NAME
# is the credential secret_NAME in the package.
set(credentials /run/credentials/mysql_session_exporter.service)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/exporter.ini)
file(READ ${CMAKE_SOURCE_DIR}/exporter.ini packaged_config)
string(REGEX REPLACE "\n([a-z_]+) = [$]{([A-Z_]+)}" "\n\\1_file = ${credentials}/secret_\\2" packaged_config
    "${packaged_config}")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/package/exporter.ini CONTENT "${packaged_config}" @ONLY)

set(doc_folder ${CMAKE_INSTALL_FULL_DATADIR}/doc/mysql-session-exporter)
set(config_folder ${CMAKE_INSTALL_FULL_SYSCONFDIR}/mysql_session_exporter)
install(TARGETS mysql_session_exporter DESTINATION ${CMAKE_INSTALL_FULL_BINDIR})
install(FILES ${CMAKE_BINARY_DIR}/package/exporter.ini DESTINATION ${config_folder}
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
install(DIRECTORY DESTINATION ${config_folder}/credentials
    DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
install(FILES deploy/systemd/mysql_session_exporter.service
    DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
install(FILES deploy/systemd/mysql_session_exporter.sysusers
    DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/sysusers.d RENAME mysql_session_exporter.conf)
install(FILES ${pages}/mysql_session_exporter.8.gz DESTINATION ${CMAKE_INSTALL_FULL_MANDIR}/man8)
install(FILES ${pages}/mysql_session_exporter.bash
    DESTINATION ${CMAKE_INSTALL_FULL_DATADIR}/bash-completion/completions RENAME mysql_session_exporter)
install(FILES README.md CHANGELOG.md exporter.ini deploy/debian/copyright DESTINATION ${doc_folder})
if(civetweb_found)
    install(FILES ${civetweb_tree}/debian/copyright DESTINATION ${doc_folder} RENAME copyright.civetweb)
endif()

# Folders of the system must not be closed to others because the builder's umask is strict.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)
set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME mysql-session-exporter)
set(CPACK_PACKAGE_VENDOR "MySQL Session Exporter")
set(CPACK_PACKAGE_CONTACT "The maintainers of MySQL Session Exporter <maintainers@example.com>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Prometheus exporter of MySQL sessions on RDS and PolarDB")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Shows how many sessions each database user holds on each Alibaba Cloud
 RDS MySQL instance and PolarDB node, beside the user's connection limit.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# dpkg-shlibdeps adds the libraries.
set(CPACK_DEBIAN_PACKAGE_DEPENDS
    "ca-certificates, passwd, systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${CMAKE_SOURCE_DIR}/deploy/debian/conffiles;${CMAKE_SOURCE_DIR}/deploy/debian/postinst;\
${CMAKE_SOURCE_DIR}/deploy/debian/prerm;${CMAKE_SOURCE_DIR}/deploy/debian/postrm")
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/clamp_times.cmake)
include(CPack)
