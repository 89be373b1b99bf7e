CREATE USER exporter@'%' IDENTIFIED BY 'demopassword';
GRANT SELECT ON inventory.instance_list TO exporter@'%';
GRANT SELECT ON inventory.instance_node_id TO exporter@'%';
GRANT SELECT ON inventory.instance_users TO exporter@'%';
