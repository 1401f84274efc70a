"""
What items do to the world: what they print, and what they do to files. Printed lines begin with ``~N``, N the number of their portion.
"""

from tests.proofs.generator.aspects import Aspect

EFFECTS = (
    Aspect("print", body="say('~#N item', x)"),
    Aspect("several prints", body="for turn in range(x % 3):\n    say('~#N turn', x, turn)"),
    Aspect("item prints to standard error", body="sys.stderr.write('~#N problem %d\\n' % x)\nsys.stderr.flush()"),
    Aspect("write without print", body="sys.stdout.write('~#N written %d\\n' % x)\nsys.stdout.flush()"),
    Aspect("write in pieces", body="sys.stdout.write('~#N pie')\nsys.stdout.write('ces %d\\n' % x)\nsys.stdout.flush()", fresh=True),
    Aspect("long line", body="say('~#N ' + 'l' * 900 + str(x))"),
    Aspect("write by the operating system", body="sys.stdout.flush()\nos.write(1, ('~#N raw %d\\n' % x).encode())"),
    Aspect("output of a child", imports=("subprocess",), body="sys.stdout.flush()\nsubprocess.call(['echo', '~#N child', str(x)])"),
    Aspect("text beyond ASCII printed", since=(3, 7), body="say('~#N \\u2603', x)"),
    Aspect(
        "file of its own",
        body="with open('made_N_%d.txt' % x, 'w') as made:\n    made.write('item %d\\n' % x)",
        after="say(sorted(name for name in os.listdir('.') if name.startswith('made_N')))",
    ),
    Aspect(
        "file of its own in a new folder",
        body="folder = os.path.join('deep_N', str(x))\nos.makedirs(folder)\nwith open(os.path.join(folder, 'f.bin'), 'wb') as made:\n    made.write(b'\\x00\\xff' * x)",
        fresh=True,
    ),
    Aspect("lines appended to one file", body="with open('shared_N.lines', 'a') as shared:\n    shared.write('line %d\\n' % x)"),
    Aspect(
        "file that the program wrote is read",
        before="with open('input_N.txt', 'w') as given:\n    given.write('given')",
        body="with open('input_N.txt') as given:\n    out.append(given.read())",
    ),
    Aspect(
        "file that is written between pool and call is read",
        between="with open('between_N.txt', 'w') as given:\n    given.write('late')",
        body="with open('between_N.txt') as given:\n    out.append(given.read())",
    ),
    Aspect(
        "file that the program wrote is deleted",
        before="for k in range(40):\n    open('doomed_N_%d' % k, 'w').close()",
        body="os.remove('doomed_N_%d' % x)",
        after="say(len([name for name in os.listdir('.') if name.startswith('doomed_N')]))\nfor k in range(40):\n    if os.path.exists('doomed_N_%d' % k):\n        os.remove('doomed_N_%d' % k)",
    ),
    Aspect(
        "file that the program wrote is appended to",
        before="for k in range(9):\n    with open('grown_N_%d.txt' % k, 'w') as given:\n        given.write('first\\n')",
        body="with open('grown_N_%d.txt' % x, 'a') as grown:\n    grown.write('second %d\\n' % x)",
    ),
    Aspect(
        "file renamed",
        before="for k in range(9):\n    open('old_N_%d' % k, 'w').close()",
        body="if os.path.exists('old_N_%d' % x):\n    os.rename('old_N_%d' % x, 'new_N_%d' % x)",
    ),
    Aspect("mode changed", body="open('tool_N_%d' % x, 'w').close()\nos.chmod('tool_N_%d' % x, 0o755)"),
    Aspect("symbolic link", body="os.symlink('target_N', 'link_N_%d' % x)", fresh=True),
    Aspect("passing file", body="name = 'passing_N_%d' % x\nopen(name, 'w').close()\nos.remove(name)"),
    Aspect(
        "chdir in an item",
        before="if not os.path.isdir('away_N'):\n    os.mkdir('away_N')",
        body="os.chdir('away_N')\nout.append(os.path.basename(os.getcwd()))",
        fresh=True,
    ),
    Aspect(
        "environment changed by an item",
        body="os.environ['CHANGED_N'] = str(x)\nout.append(os.environ['CHANGED_N'])",
        after="say(os.environ.get('CHANGED_N'))",
    ),
    Aspect(
        "temporary file",
        imports=("tempfile",),
        body="with tempfile.TemporaryFile() as passing:\n    passing.write(b'x' * x)\n    out.append(passing.tell())",
    ),
    Aspect(
        "thread in an item",
        imports=("threading",),
        body="thread = threading.Thread(target=out.append, args=('thread',))\nthread.start()\nthread.join()",
    ),
    Aspect(
        "thread pool in an item",
        imports=("multiprocessing.dummy",),
        body="threads = multiprocessing.dummy.Pool(2)\nout.append(threads.map(abs, [-x, x]))\nthreads.close()\nthreads.join()",
    ),
    Aspect(
        "pool in an item", since=(3, 9), only="executor", body="with multiprocessing.Pool(1) as inner:\n    out.append(inner.map(abs, [-x, x]))"
    ),
    Aspect(
        "file left from the portion before is read",
        body="out.append(sorted(name for name in os.listdir('.') if name.startswith('mark-')))",
        after="open('mark-_N', 'w').close()",
    ),
)
