-- The invented inventory of the demonstration. Its oddities are on purpose: the exporter counts what it
-- leaves out (session_exporter_inventory_rejected_rows) and escapes what labels cannot hold.
SET NAMES utf8mb4;

INSERT INTO instance_list (ins_id, ins_name, ins_type, ins_is_readonly, ins_status, engine, engine_version, master_id, aliyun_uid) VALUES
('rm-demo01', 'orders', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000001'),
('rm-demo02', 'orders_replica_1', 'RDS', 1, 1, 'mysql', '8.0', 'rm-demo01', '1000000000000001'),
('rm-demo03', 'orders_replica_2', 'RDS', 1, 1, 'mysql', '8.0', 'rm-demo01', '1000000000000001'),
('rm-demo04', 'payments', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000001'),
('rm-demo05', 'payments_replica', 'RDS', 1, 1, 'mysql', '8.0', 'rm-demo04', '1000000000000001'),
('rm-demo06', 'customers', 'RDS', 0, 1, 'mysql', '5.7', NULL, '1000000000000001'),
('rm-demo07', 'customers_replica', 'RDS', 1, 1, 'mysql', '5.7', 'rm-demo06', '1000000000000001'),
('rm-demo08', 'catalogue', 'RDS', 0, 1, 'mysql', '5.7', NULL, '1000000000000001'),
('rm-demo09', 'search', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000001'),
('rm-demo10', 'sessions', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000001'),
('rm-demo11', 'mail', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000001'),
('rm-demo12', 'tickets', 'RDS', 0, 1, '', '8.0', NULL, '1000000000000001'),
('rm-demo13', '订单库-华东', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000001'),
('rm-demo14', '会员中心（只读）', 'RDS', 1, 1, 'mysql', '8.0', 'rm-demo13', '1000000000000001'),
('rm-demo15', 'a "quoted" name with a \\ in it', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000001'),
('rm-demo16', 'staging', 'rds', 0, 1, 'mysql', '8.0', NULL, '1000000000000001'),
('rm-demo17', 'switched_off', 'RDS', 0, 0, 'mysql', '5.7', NULL, '1000000000000001'),
('rm-demo18', 'also_switched_off', 'RDS', 0, 0, 'mysql', '5.7', NULL, '1000000000000001'),
('rm-strange-demo19', 'users_with_strange_names', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000001'),
('rm-demo20', 'warehouse', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000002'),
('rm-demo21', 'warehouse_replica', 'RDS', 1, 1, 'mysql', '8.0', 'rm-demo20', '1000000000000002'),
('rm-demo22', 'billing', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000002'),
('rm-demo23', 'billing_replica', 'RDS', 1, 1, 'mysql', '8.0', 'rm-demo22', '1000000000000002'),
('rm-demo24', 'hr', 'RDS', 0, 1, 'mysql', '5.7', NULL, '1000000000000002'),
('rm-demo25', 'wiki', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000002'),
('rm-demo26', 'metrics_archive', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000002'),
('rm-demo27', 'feature_flags', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000002'),
('rm-demo28', 'switched_off_too', 'RDS', 0, 0, 'mysql', '8.0', NULL, '1000000000000002'),
('rm-forbidden-demo29', 'not_allowed_by_ram', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000002'),
('pc-demo01', 'ledger', 'PolarDB', 0, 1, 'mysql', '8.0', NULL, '1000000000000001'),
('pc-demo02', 'inventory', 'PolarDB', 0, 1, 'mysql', '8.0', NULL, '1000000000000001'),
('pc-demo03', '推荐系统', 'PolarDB', 0, 1, 'mysql', '8.0', NULL, '1000000000000001'),
('pc-demo04', 'events', 'PolarDB', 0, 1, 'mysql', '8.0', NULL, '1000000000000001'),
('pc-demo05', 'profiles', 'polardb', 0, 1, 'mysql', '5.6', NULL, '1000000000000001'),
('pc-demo06', 'reports', 'PolarDB', 0, 1, 'mysql', '8.0', NULL, '1000000000000002'),
('pc-demo07', 'games', 'PolarDB', 0, 1, 'mysql', '8.0', NULL, '1000000000000002'),
('pc-demo08', 'chat', 'PolarDB', 0, 1, 'mysql', '8.0', NULL, '1000000000000002'),
('pc-demo09', 'cluster_without_nodes', 'PolarDB', 0, 1, 'mysql', '8.0', NULL, '1000000000000002'),
('dds-demo01', 'documents', 'Mongodb', 0, 1, 'mongodb', '5.0', NULL, '1000000000000002'),
('rm-demo30', 'of_an_account_without_key', 'RDS', 0, 1, 'mysql', '8.0', NULL, '1000000000000003');

-- ins_id is not unique: the row with the newest updatetime counts.
INSERT INTO instance_list (ins_id, ins_name, ins_type, ins_is_readonly, ins_status, engine, engine_version, aliyun_uid, updatetime)
VALUES ('rm-demo01', 'orders_before_its_rename', 'RDS', 0, 1, 'mysql', '5.7', '1000000000000001', '2020-01-01 00:00:00');

INSERT INTO instance_node_id (ins_id, node_id, node_type) VALUES
('pc-demo01', 'pi-demo011', 0), ('pc-demo01', 'pi-demo012', 1), ('pc-demo01', 'pi-demo013', 1), ('pc-demo01', 'pi-demo014', 1),
('pc-demo02', 'pi-demo021', 0), ('pc-demo02', 'pi-demo022', 1),
('pc-demo03', 'pi-demo031', 0), ('pc-demo03', 'pi-demo032', 1), ('pc-demo03', 'pi-demo033', 1),
('pc-demo04', 'pi-demo041', 0), ('pc-demo04', 'pi-demo042', 1),
('pc-demo05', 'pi-demo051', 0),
('pc-demo06', 'pi-demo061', 0), ('pc-demo06', 'pi-demo062', 1), ('pc-demo06', 'pi-demo063', 1),
('pc-demo07', 'pi-demo071', 0), ('pc-demo07', 'pi-demo072', 1),
('pc-demo08', 'pi-demo081', 0), ('pc-demo08', 'pi-demo082', 1);

INSERT INTO instance_conn (ins_id, connection, connection_port, conn_type)
SELECT ins_id, CONCAT(ins_id, '.mysql.example.com'), '3306', ins_is_readonly FROM instance_list WHERE engine <> 'mongodb';

-- The users that the simulator connects, with limits that some of them come near.
INSERT INTO instance_users (ins_id, username, max_user_connections)
SELECT DISTINCT ins_id, username, max_user_connections
FROM instance_list
CROSS JOIN (
    SELECT 'app_user' AS username, 25 AS max_user_connections
    UNION SELECT 'report_user', 20
    UNION SELECT 'etl_user', 20
    UNION SELECT 'monitor', 0
) AS users
WHERE engine <> 'mongodb';

-- So are the users of an instance: the highest limit counts.
INSERT INTO instance_users (ins_id, username, max_user_connections) VALUES ('rm-demo01', 'app_user', 100);
