using System.Text.Json.Nodes;
using DistNet.Cli.JobFiles;
using DistNet.Jobs;
using NJsonSchema;
using Xunit;

namespace DistNet.Cli.Tests;

public sealed class JobDocumentationTests
{
    [Fact]
    public void The_reference_page_holds_every_key_as_the_table_has_it()
    {
        string path = Repository.PathOf("docs", "job-file.md");
        string page = File.ReadAllText(path);
        int start = page.IndexOf(JobDocumentation.Start, StringComparison.Ordinal) + JobDocumentation.Start.Length + 1;
        int end = page.IndexOf(JobDocumentation.End, StringComparison.Ordinal);
        AssertSame(page[start..end], JobDocumentation.Text, "docs/job-file.md, between its two marks", "job-file.keys.md");
    }

    [Fact]
    public void The_schema_file_is_made_from_the_table() =>
        AssertSame(File.ReadAllText(Repository.PathOf("docs", "job.schema.json")), JobSchema.Text, "docs/job.schema.json", "job.schema.json");

    [Fact]
    public void Every_key_of_the_table_is_in_the_reference_with_type_default_and_meaning()
    {
        foreach (JobKey key in JobKeys.All.Where(key => key.Path != "model"))
        {
            Assert.Contains($"| `{key.Path}` | ", JobDocumentation.Text, StringComparison.Ordinal);
            Assert.EndsWith(".", key.Meaning, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public async Task Every_example_validates_against_the_schema_and_the_parser(string name)
    {
        JobValue root = JobYaml.Read(await File.ReadAllTextAsync(Repository.PathOf("examples", name), TestContext.Current.CancellationToken), name);
        Assert.Empty(await ErrorsOf(root));
        Assert.NotNull(JobFile.Read(root, "").Data);
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public async Task The_effective_job_validates_against_the_schema(string name)
    {
        JobValue root = JobYaml.Read(await File.ReadAllTextAsync(Repository.PathOf("examples", name), TestContext.Current.CancellationToken), name);
        string json = JobFile.ToJson(JobFile.Read(root, ""));
        Assert.Empty(await ErrorsOf(JobJsonReader.Read(json, name)));
    }

    [Theory]
    [InlineData("data: { train: a.csv }\nmodel: [relu]\noptimiser: sgd")]
    [InlineData("data: { train: a.csv, label: last, lable: first }\nmodel: [relu]")]
    [InlineData("data: { train: a.csv }\nmodel: [{ linear: 3, baes: false }]")]
    [InlineData("data: { train: a.csv }\nmodel: [{ linar: 3 }]")]
    [InlineData("data: { train: a.csv }\nmodel: [{ linear: 0 }]")]
    [InlineData("data: { train: a.csv }\nmodel: []")]
    [InlineData("data: { train: a.csv }\nmodel: { nodes: { a: { relu: , from: input } } }")]
    [InlineData("data: { train: a.csv }\nmodel: [{ select: { feature: 0, below: 1, branch: [] } }]")]
    [InlineData("data: { train: a.csv }\nmodel: [relu]\noptimizer: { learningRate: fast }")]
    [InlineData("data: { train: a.csv }\nmodel: [relu]\noptimizer: { learningRate: 0 }")]
    [InlineData("data: { train: a.csv }\nmodel: [relu]\ntraining: { batch: 0 }")]
    [InlineData("data: { train: a.csv }\nmodel: [relu]\ntraining: { epochs: 1.5 }")]
    [InlineData("data: { train: a.csv }\nmodel: [relu]\ntraining: { earlyStopping: true }")]
    [InlineData("data: { train: a.csv }\nmodel: [relu]\nloss: { kind: crossentropy }")]
    [InlineData("data: { train: { images: a } }\nmodel: [relu]")]
    [InlineData("data: { format: images, train: a, channels: 2 }\nmodel: [relu]")]
    [InlineData("data: { format: images, train: a, size: [20000, 20000] }\nmodel: [relu]")]
    [InlineData("data: { train: a.csv }\nmodel: [{ block: [relu], repeat: 20000 }]")]
    [InlineData("data: { train: a.csv }\nmodel: [relu]\ntraining: { epochs: 3000000000 }")]
    [InlineData("data: { validation: 0.2 }\nmodel: [relu]")]
    [InlineData("data: { train: a.csv }")]
    public async Task What_the_parser_refuses_the_schema_refuses(string yaml)
    {
        JobValue root = JobYaml.Read(yaml, "job.yaml");
        Assert.Throws<DistNetException>(() => JobFile.Read(root, ""));
        Assert.NotEmpty(await ErrorsOf(root));
    }

    public static TheoryData<string> Examples() => [.. Directory.EnumerateFiles(Repository.PathOf("examples"), "*.yaml").Select(path => Path.GetFileName(path))];

    private static async Task<ICollection<NJsonSchema.Validation.ValidationError>> ErrorsOf(JobValue root)
    {
        JsonSchema schema = await JsonSchema.FromJsonAsync(JobSchema.Text, TestContext.Current.CancellationToken);
        return schema.Validate(ToJson(root)?.ToJsonString() ?? "null");
    }

    // The tree as JSON, plain scalars as YAML's core schema reads them.
    private static JsonNode? ToJson(JobValue value) => value switch
    {
        JobSection section => new JsonObject(section.Entries.Select(entry => KeyValuePair.Create(entry.Name, ToJson(entry.Value)))),
        JobList list => new JsonArray([.. list.Items.Select(ToJson)]),
        JobScalar { IsNull: true } => null,
        JobScalar { Quoted: false, Text: "true" or "false" } scalar => JsonValue.Create(scalar.Text == "true"),
        JobScalar { Quoted: false } scalar when long.TryParse(scalar.Text, System.Globalization.CultureInfo.InvariantCulture, out long integer) => JsonValue.Create(integer),
        JobScalar { Quoted: false } scalar when double.TryParse(scalar.Text, System.Globalization.CultureInfo.InvariantCulture, out double number) => JsonValue.Create(number),
        JobScalar scalar => JsonValue.Create(scalar.Text),
        _ => throw new InvalidOperationException(),
    };

    private static void AssertSame(string found, string expected, string where, string name)
    {
        string path = Path.Combine(AppContext.BaseDirectory, name);
        File.WriteAllText(path, expected);
        Assert.True(found == expected, $"{where} is not what the table of keys says; take the text of {path}.");
    }
}
