BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0005');
CREATE TABLE artifacts (
	"row" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	task VARCHAR NOT NULL, 
	portion BIGINT NOT NULL, 
	item BIGINT, 
	root BIGINT NOT NULL, 
	path BLOB NOT NULL, 
	mode BIGINT NOT NULL, 
	length BIGINT NOT NULL, 
	mtime DOUBLE NOT NULL, 
	blob VARCHAR, 
	deleted BOOLEAN NOT NULL, 
	link BLOB, 
	source VARCHAR, 
	grown_from BIGINT, 
	turn BIGINT, 
	fence BIGINT
);
INSERT INTO "artifacts" VALUES(1,'ended234',0,3,0,X'612E747874',420,3,1.5,'b10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10b',0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "artifacts" VALUES(2,'prog9abc',1,0,0,X'622E747874',420,3,1.5,'b10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10b',0,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE attempts (
	"row" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	task VARCHAR NOT NULL, 
	portion BIGINT NOT NULL, 
	first BIGINT NOT NULL, 
	count BIGINT NOT NULL, 
	worker VARCHAR NOT NULL, 
	attempt BIGINT NOT NULL, 
	outcome VARCHAR NOT NULL, 
	item BIGINT, 
	reason VARCHAR NOT NULL, 
	exit_code BIGINT, 
	signal BIGINT, 
	cpu_seconds DOUBLE NOT NULL, 
	max_rss_kb BIGINT NOT NULL, 
	at_utc DOUBLE NOT NULL
);
INSERT INTO "attempts" VALUES(1,'ended234',0,4,4,'lab-2',1,'lost',NULL,'worker lab-2 was lost',NULL,NULL,0.5,2048,1103.0);
CREATE TABLE blob_uses (
	task VARCHAR NOT NULL, 
	sha256 VARCHAR NOT NULL, 
	PRIMARY KEY (task, sha256)
)
 WITHOUT ROWID

;
INSERT INTO "blob_uses" VALUES('ended234','b10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10b');
INSERT INTO "blob_uses" VALUES('prog9abc','b10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10bb10b');
CREATE TABLE certificates (
	serial VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	operator BOOLEAN NOT NULL, 
	code VARCHAR NOT NULL, 
	issued_utc DOUBLE NOT NULL, 
	revoked_utc DOUBLE, 
	PRIMARY KEY (serial)
);
INSERT INTO "certificates" VALUES('7b1d7b1d7b1d7b1d7b1d7b1d7b1d7b1d7b1d7b1d','tasker','anna',1,'c0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0de',1002.5,NULL);
CREATE TABLE codes (
	digest VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	name VARCHAR, 
	operator BOOLEAN NOT NULL, 
	uses BIGINT NOT NULL, 
	used BIGINT NOT NULL, 
	made_utc DOUBLE NOT NULL, 
	expires_utc DOUBLE NOT NULL, 
	revoked BOOLEAN NOT NULL, 
	PRIMARY KEY (digest), 
	CONSTRAINT codes_used_up CHECK (used <= uses)
);
INSERT INTO "codes" VALUES('c0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0de','tasker','anna',1,2,1,1000.0,2000.0,0);
CREATE TABLE epochs (
	number BIGINT NOT NULL, 
	started_utc DOUBLE NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "epochs" VALUES(1,1000.0);
INSERT INTO "epochs" VALUES(2,1500.0);
CREATE TABLE forgotten (
	task VARCHAR NOT NULL, 
	user VARCHAR NOT NULL, 
	name VARCHAR, 
	reason VARCHAR NOT NULL, 
	forgotten_utc DOUBLE NOT NULL, 
	cleared BOOLEAN NOT NULL, 
	PRIMARY KEY (task)
)
 WITHOUT ROWID

;
CREATE TABLE inputs (
	"row" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	task VARCHAR NOT NULL, 
	"offset" BIGINT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	final BOOLEAN NOT NULL, 
	payload BLOB NOT NULL
);
INSERT INTO "inputs" VALUES(1,'prog9abc',0,5,0,X'7479706564');
INSERT INTO "inputs" VALUES(2,'prog9abc',5,0,1,X'');
CREATE TABLE items (
	"row" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	task VARCHAR NOT NULL, 
	portion BIGINT NOT NULL, 
	first BIGINT NOT NULL, 
	count BIGINT NOT NULL, 
	final BOOLEAN NOT NULL, 
	codec VARCHAR NOT NULL, 
	args VARCHAR NOT NULL, 
	blob VARCHAR, 
	payload BLOB
);
INSERT INTO "items" VALUES(1,'ended234',0,0,5,0,'json','[]',NULL,X'300A310A320A330A34');
INSERT INTO "items" VALUES(2,'ended234',0,5,3,1,'json','[]',NULL,X'350A360A37');
INSERT INTO "items" VALUES(3,'open5678',0,0,6,1,'json','[]',NULL,X'300A310A320A330A340A35');
INSERT INTO "items" VALUES(4,'prog9abc',0,0,1,1,'range','[0, 1]',NULL,NULL);
INSERT INTO "items" VALUES(5,'prog9abc',1,0,2,1,'pickles','["d1"]',NULL,X'2E2E');
CREATE TABLE notes (
	"row" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	task VARCHAR NOT NULL, 
	worker VARCHAR NOT NULL, 
	text VARCHAR NOT NULL
);
INSERT INTO "notes" VALUES(1,'ended234','lab-1','a note');
CREATE TABLE outputs (
	"row" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	task VARCHAR NOT NULL, 
	portion BIGINT NOT NULL, 
	first BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	worker VARCHAR NOT NULL, 
	at_utc DOUBLE NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	payload BLOB NOT NULL
);
INSERT INTO "outputs" VALUES(1,'ended234',0,0,0,'lab-1',1102.0,7,X'7072696E746564');
CREATE TABLE portions (
	task VARCHAR NOT NULL, 
	portion BIGINT NOT NULL, 
	place VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	python VARCHAR NOT NULL, 
	state VARCHAR, 
	files VARCHAR, 
	dropped BOOLEAN NOT NULL, 
	call VARCHAR NOT NULL, 
	PRIMARY KEY (task, portion)
)
 WITHOUT ROWID

;
INSERT INTO "portions" VALUES('prog9abc',1,'lab','','3.11',NULL,NULL,0,'{"file": "q.py", "line": 7, "kind": "Pool.map", "function": "step"}');
CREATE TABLE results (
	"row" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	task VARCHAR NOT NULL, 
	portion BIGINT NOT NULL, 
	first BIGINT NOT NULL, 
	count BIGINT NOT NULL, 
	failed_count BIGINT NOT NULL, 
	pack_first BIGINT NOT NULL, 
	pack_count BIGINT, 
	codec VARCHAR NOT NULL, 
	worker VARCHAR NOT NULL, 
	attempt BIGINT NOT NULL, 
	failed VARCHAR, 
	blob VARCHAR, 
	payload BLOB, 
	fence BIGINT
);
INSERT INTO "results" VALUES(1,'ended234',0,4,4,0,4,4,'values','lab-1',1,NULL,NULL,X'31360A32350A33360A3439',NULL);
INSERT INTO "results" VALUES(2,'ended234',0,0,4,0,0,4,'values','lab-1',1,NULL,NULL,X'300A310A340A39',NULL);
INSERT INTO "results" VALUES(3,'open5678',0,0,2,0,0,2,'values','lab-1',1,NULL,NULL,X'300A31',NULL);
INSERT INTO "results" VALUES(4,'open5678',0,4,1,0,4,1,'values','lab-1',1,NULL,NULL,X'3136',NULL);
CREATE TABLE tasks (
	"row" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	user VARCHAR NOT NULL, 
	name VARCHAR, 
	kind VARCHAR NOT NULL, 
	submitted_utc DOUBLE NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	exit_code BIGINT, 
	started_utc DOUBLE, 
	ended_utc DOUBLE, 
	known BIGINT, 
	final BOOLEAN, 
	done BIGINT, 
	failed BIGINT, 
	spec_json BLOB NOT NULL, 
	held BOOLEAN, 
	size_bytes BIGINT, 
	spent_seconds DOUBLE
);
INSERT INTO "tasks" VALUES(1,'ended234','anna','squares','map',1100.0,'done','',NULL,1101.0,1110.0,8,1,8,0,X'7B226B696E64223A20226D6170222C202270726F6772616D223A20222F686F6D652F616E6E612F702E7079222C202266756E6374696F6E223A202266222C2022637764223A20222F686F6D652F616E6E61222C2022726F6F7473223A205B222F686F6D652F616E6E61225D2C202273656564223A20312C2022686173685F73656564223A20312C2022636F646563223A20226A736F6E227D',NULL,NULL,NULL);
INSERT INTO "tasks" VALUES(2,'open5678','anna',NULL,'map',1200.0,'running','',NULL,1201.0,NULL,NULL,NULL,NULL,NULL,X'7B226B696E64223A20226D6170222C202270726F6772616D223A20222F686F6D652F616E6E612F702E7079222C202266756E6374696F6E223A202266222C2022637764223A20222F686F6D652F616E6E61222C2022726F6F7473223A205B222F686F6D652F616E6E61225D2C202273656564223A20312C2022686173685F73656564223A20312C2022636F646563223A20226A736F6E227D',NULL,NULL,NULL);
INSERT INTO "tasks" VALUES(3,'prog9abc','anna',NULL,'run',1300.0,'done','',3,NULL,1310.0,2,1,0,0,X'7B226B696E64223A202272756E222C202270726F6772616D223A20222F686F6D652F616E6E612F712E7079222C202261726776223A205B22712E7079225D2C2022637764223A20222F686F6D652F616E6E61222C2022726F6F7473223A205B222F686F6D652F616E6E61225D2C202273656564223A20312C2022686173685F73656564223A20317D',NULL,NULL,NULL);
CREATE UNIQUE INDEX tasks_by_id ON tasks (id);
CREATE INDEX tasks_by_user ON tasks (user, "row");
CREATE INDEX tasks_by_end ON tasks (ended_utc, "row");
CREATE INDEX items_by_item ON items (task, portion, first, count, final);
CREATE INDEX results_by_row ON results (task, "row");
CREATE INDEX results_by_item ON results (task, portion, first, count, failed_count);
CREATE INDEX outputs_by_row ON outputs (task, "row", size_bytes);
CREATE INDEX outputs_by_item ON outputs (task, portion, first, last);
CREATE INDEX artifacts_by_item ON artifacts (task, portion, item);
CREATE INDEX artifacts_by_path ON artifacts (task, root, path);
CREATE INDEX artifacts_by_row ON artifacts (task, "row");
CREATE INDEX inputs_by_offset ON inputs (task, "offset", size_bytes, final);
CREATE INDEX attempts_by_task ON attempts (task, "row");
CREATE INDEX notes_by_task ON notes (task, "row");
CREATE INDEX blob_uses_by_blob ON blob_uses (sha256);
CREATE INDEX forgotten_by_time ON forgotten (cleared, forgotten_utc);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('tasks',3);
INSERT INTO "sqlite_sequence" VALUES('items',5);
INSERT INTO "sqlite_sequence" VALUES('results',4);
INSERT INTO "sqlite_sequence" VALUES('outputs',1);
INSERT INTO "sqlite_sequence" VALUES('artifacts',2);
INSERT INTO "sqlite_sequence" VALUES('attempts',1);
INSERT INTO "sqlite_sequence" VALUES('notes',1);
INSERT INTO "sqlite_sequence" VALUES('inputs',2);
COMMIT;
