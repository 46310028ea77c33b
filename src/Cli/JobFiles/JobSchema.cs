using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistNet.Jobs;

namespace DistNet.Cli.JobFiles;

/// <summary>The JSON schema of the job file, for editors: made from the table of keys.</summary>
public static class JobSchema
{
    /// <summary>The schema as indented JSON, with a newline at the end.</summary>
    public static string Text { get; } = Build().ToJsonString(new JsonSerializerOptions
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    }) + "\n";

    private static JsonObject Build()
    {
        JsonObject root = Section("");
        var schema = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = "A DistNet job",
        };
        foreach ((string key, JsonNode? value) in root.ToList())
        {
            root.Remove(key);
            schema[key] = value;
        }

        schema["properties"]!["blocks"] = Blocks();
        schema["required"] = new JsonArray("data", "model");
        schema["definitions"] = new JsonObject { ["model"] = Model(), ["module"] = Module(inGraph: false), ["node"] = Module(inGraph: true) };
        return schema;
    }

    private static JsonObject Section(string path)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (JobSectionKey inner in JobKeys.Sections.Where(section => JobKeyPaths.Parent(section.Path) == path))
        {
            var options = new JsonArray(Section(inner.Path), new JsonObject { ["type"] = "null" });
            if (inner.Shorthand is { } name)
            {
                options.Add(Type(JobKeys.All.First(key => key.Path == JobKeyPaths.Join(inner.Path, name)).Type));
            }

            properties[inner.Name] = new JsonObject { ["description"] = inner.Meaning, ["anyOf"] = options };
        }

        foreach (JobKey key in JobKeys.All.Where(key => JobKeyPaths.Parent(key.Path) == path))
        {
            JsonObject type = Type(key.Type);
            var described = new JsonObject { ["description"] = key.Meaning };
            foreach ((string word, JsonNode? value) in type.ToList())
            {
                type.Remove(word);
                described[word] = value;
            }

            if (!key.Required)
            {
                described["default"] = JsonNode.Parse(JobFile.ValueText(key, JobKeys.Defaults));
            }
            else
            {
                required.Add(key.Name);
            }

            properties[key.Name] = described;
        }

        var section = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
        if (required.Count > 0 && path.Length > 0)
        {
            section["required"] = required;
        }

        return section;
    }

    private static JsonObject Type(JobValueType type) => type switch
    {
        NumberType number => Number(number),
        IntegerType integer => Integer(integer),
        WordType words => new JsonObject { ["enum"] = new JsonArray([.. words.Words.Select(Word)]) },
        TextType => new JsonObject { ["type"] = new JsonArray("string", "number"), ["minLength"] = 1 },
        CharacterType => new JsonObject { ["type"] = "string", ["pattern"] = "^(.|tab)$" },
        ListType<int> list => List(list.Element),
        ListType<float> list => List(list.Element),
        TextListType => new JsonObject { ["type"] = new JsonArray("array", "string", "integer"), ["items"] = new JsonObject { ["type"] = new JsonArray("string", "integer") } },
        ColumnRulesType => Columns(),
        DataFilesType files => Files(files),
        Size2dType size => new JsonObject
        {
            ["anyOf"] = new JsonArray(Type(size.Element), new JsonObject { ["type"] = "array", ["minItems"] = 2, ["maxItems"] = 2, ["items"] = Type(size.Element) }),
        },
        OrWordType either => new JsonObject { ["anyOf"] = new JsonArray(Type(either.Inner), new JsonObject { ["enum"] = new JsonArray(either.Word) }) },
        ModelType => new JsonObject { ["$ref"] = "#/definitions/model" },
        OptionalType optional => new JsonObject { ["anyOf"] = new JsonArray(Type(optional.Inner), new JsonObject { ["type"] = "null" }) },
        _ => throw new InvalidOperationException($"No schema for {type}."),
    };

    private static JsonObject List(JobValueType element) => new() { ["type"] = "array", ["items"] = Type(element) };

    private static JsonValue Word((string Word, object? Value) word) => word.Value switch { bool truth => JsonValue.Create(truth), int number => JsonValue.Create(number), _ => JsonValue.Create(word.Word) };

    private static JsonObject Integer(IntegerType integer)
    {
        var schema = new JsonObject { ["type"] = "integer", ["minimum"] = (long)integer.Minimum };
        if (integer.Maximum < long.MaxValue)
        {
            schema["maximum"] = (long)integer.Maximum;
        }

        return schema;
    }

    private static JsonObject Number(NumberType number)
    {
        var schema = new JsonObject { ["type"] = "number" };
        if (double.IsFinite(number.Minimum))
        {
            schema[number.AboveMinimum ? "exclusiveMinimum" : "minimum"] = number.Minimum;
        }

        if (double.IsFinite(number.Maximum))
        {
            schema[number.BelowMaximum ? "exclusiveMaximum" : "maximum"] = number.Maximum;
        }

        return schema;
    }

    private static JsonObject Files(DataFilesType files)
    {
        static JsonObject Name() => new() { ["type"] = "string", ["minLength"] = 1 };
        static JsonObject Section(params string[] names) => new()
        {
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["properties"] = new JsonObject(names.Select(name => KeyValuePair.Create(name, (JsonNode?)Name()))),
            ["required"] = new JsonArray([.. names.Select(name => (JsonNode)JsonValue.Create(name))]),
        };
        var options = new JsonArray(Name(), Section("images", "labels"), Section("inputs", "labels"), Section("file", "inputs", "labels"));
        if (files.AllowShare)
        {
            options.Add(Number(DataFilesType.Share));
        }

        return new JsonObject { ["anyOf"] = options };
    }

    private static JsonObject Columns()
    {
        var properties = new JsonObject();
        foreach ((string name, JobValueType type) in ColumnRulesType.Keys)
        {
            properties[name] = Type(type);
        }

        return new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties },
        };
    }

    private static JsonObject Model() => new()
    {
        ["anyOf"] = new JsonArray(
            new JsonObject { ["type"] = "array", ["minItems"] = 1, ["items"] = Reference("module") },
            new JsonObject
            {
                ["type"] = "object",
                ["additionalProperties"] = false,
                ["properties"] = new JsonObject
                {
                    ["nodes"] = new JsonObject { ["type"] = "object", ["minProperties"] = 1, ["additionalProperties"] = Reference("node") },
                    ["output"] = new JsonObject { ["type"] = "string" },
                },
                ["required"] = new JsonArray("nodes", "output"),
            }),
    };

    private static JsonObject Module(bool inGraph)
    {
        var options = new JsonArray();
        if (!inGraph)
        {
            IEnumerable<string> plain = ModuleKind.All.Where(kind => kind.Options.All(option => !option.Required)).Select(kind => kind.Word);
            options.Add(new JsonObject { ["enum"] = new JsonArray([.. plain.Select(word => (JsonNode)JsonValue.Create(word))]) });
        }

        foreach (ModuleKind kind in ModuleKind.All)
        {
            var properties = new JsonObject { [kind.Word] = new JsonObject { ["type"] = "null" } };
            foreach (ModuleOption option in kind.Options)
            {
                JsonObject type = option.Required || option.Name != kind.Word ? Type(option.Type) : Type(new OptionalType(option.Type));
                type["description"] = option.Meaning;
                properties[option.Name] = type;
            }

            properties["frozen"] = new JsonObject { ["type"] = "boolean", ["description"] = "Whether its parameters stay as they start." };
            options.Add(Object(kind.Word, kind.Meaning, properties, inGraph));
        }

        JsonObject block = Object("block", "A model as one module: a named block with its parameters, or a model in place.", new JsonObject
        {
            ["block"] = new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "string", ["minLength"] = 1 }, Reference("model")) },
            ["repeat"] = Type(new IntegerType(1, ModelType.MaximumModules)),
        }, inGraph);
        block["additionalProperties"] = true;
        options.Add(block);
        if (!inGraph)
        {
            options.Add(Object("residual", "The sum of a chain and of a shortcut around it, which is the input itself where none is given.", new JsonObject
            {
                ["residual"] = new JsonObject { ["type"] = "array", ["minItems"] = 1, ["items"] = Reference("module") },
                ["shortcut"] = new JsonObject { ["type"] = "array", ["items"] = Reference("module") },
            }, inGraph));
        }

        options.Add(Object("shares", "The parameters of another node, used once more.", new JsonObject { ["shares"] = new JsonObject { ["type"] = "string" } }, inGraph));
        options.Add(Object("select", "Routes each sample to one of several branches by a rule on its input.", new JsonObject { ["select"] = Select() }, inGraph));
        return new JsonObject { ["anyOf"] = options };
    }

    private static JsonObject Object(string word, string meaning, JsonObject properties, bool inGraph)
    {
        var required = new JsonArray(word);
        if (inGraph)
        {
            properties["from"] = new JsonObject
            {
                ["anyOf"] = new JsonArray(
                    new JsonObject { ["type"] = "string" },
                    new JsonObject { ["type"] = "array", ["minItems"] = 1, ["items"] = new JsonObject { ["type"] = "string" } }),
            };
            required.Add("from");
        }
        else
        {
            properties["name"] = new JsonObject { ["type"] = "string" };
        }

        return new JsonObject { ["description"] = meaning, ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties, ["required"] = required };
    }

    // What stands inside depends on the values that its uses give.
    private static JsonObject Blocks() => new()
    {
        ["description"] = "Models with a name and parameters, for the model to use: see the blocks of the reference page.",
        ["type"] = "object",
        ["additionalProperties"] = new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["properties"] = new JsonObject
            {
                ["parameters"] = new JsonObject { ["type"] = new JsonArray("object", "null") },
                ["model"] = new JsonObject { ["type"] = new JsonArray("array", "object") },
            },
            ["required"] = new JsonArray("model"),
        },
    };

    private static JsonObject Select()
    {
        static JsonObject Branches() => new() { ["type"] = "array", ["items"] = Reference("model") };
        static JsonObject Shape(JsonObject properties) => new()
        {
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["required"] = new JsonArray([.. properties.Select(property => (JsonNode)JsonValue.Create(property.Key))]),
            ["properties"] = properties,
        };
        static JsonObject Integer(int minimum) => new() { ["type"] = "integer", ["minimum"] = minimum };
        return new JsonObject
        {
            ["anyOf"] = new JsonArray(
                Shape(new JsonObject { ["feature"] = Integer(0), ["below"] = new JsonObject { ["type"] = "number" }, ["branches"] = Branches() }),
                Shape(new JsonObject { ["argMax"] = Shape(new JsonObject { ["first"] = Integer(0), ["count"] = Integer(1) }), ["branches"] = Branches() })),
        };
    }

    private static JsonObject Reference(string name) => new() { ["$ref"] = $"#/definitions/{name}" };
}
