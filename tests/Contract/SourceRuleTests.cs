using System.Text.RegularExpressions;
using Xunit;

namespace DistNet.Contract.Tests;

/// <summary>Rules of the house that a compiler does not hold. Each message lists file and line.</summary>
public sealed class SourceRuleTests
{
    private const int MaximumLines = 450;

    public static TheoryData<SourceRule> Rules => [.. SourceRules.All];

    [Theory]
    [MemberData(nameof(Rules), DisableDiscoveryEnumeration = true)]
    public void The_source_is_free_of_what_is_banned(SourceRule rule) =>
        AssertNone($"{rule.Name} in src/. {rule.Reason}", Repository.Below("src", ".cs").SelectMany(file => rule.Findings(file, Repository.Read(file))));

    [Theory]
    [MemberData(nameof(Rules), DisableDiscoveryEnumeration = true)]
    public void A_rule_finds_its_example_and_not_a_comment_about_it(SourceRule rule)
    {
        Assert.NotEmpty(rule.Findings("example.cs", rule.Example));
        Assert.Empty(rule.Findings("example.cs", "// " + rule.Example));
    }

    [Fact]
    public void A_source_file_is_one_idea_and_not_long() =>
        AssertNone(
            $"Files in src/ longer than {MaximumLines} lines: split them by idea.",
            Repository.Below("src", ".cs").Select(file => (File: file, Lines: File.ReadLines(Path.Combine(Repository.Root, file)).Count()))
                .Where(file => file.Lines > MaximumLines).Select(file => $"{file.File}: {file.Lines} lines"));

    [Fact]
    public void Nothing_is_left_to_do_later() =>
        AssertNone("Marks of unfinished work.", Matching(["src", "tests", "bench", "examples"], [".cs", ".py", ".sh"], @"\b(TO" + @"DO|FIX" + @"ME|HA" + @"CK|XX" + @"X)\b"));

    [Fact]
    public void No_test_is_skipped_or_unfinished()
    {
        SourceRule skipped = new("skips", @"\bSkip(Unless|When|Exceptions)?\s*=[^=>]|\bAssert\s*\.\s*Skip\w*|\bNotImplementedException\b", "", "");
        AssertNone("Skipped or unfinished tests.", Repository.Below("tests", ".cs").SelectMany(file => skipped.Findings(file, Repository.Read(file))));
    }

    [Fact]
    public void No_test_waits_for_a_time()
    {
        SourceRule sleeping = new("sleeps", @"\bThread\s*\.\s*Sleep\b|\bTask\s*\.\s*Delay\b", "", "");
        AssertNone(
            "Tests that sleep; a test waits for a state. A poll of the file system or of a process goes through a Poll in tests/Cluster or tests/Faults.",
            Repository.Below("tests", ".cs").Where(file => file is not ("tests/Cluster/Poll.cs" or "tests/Faults/Poll.cs")).SelectMany(file => sleeping.Findings(file, Repository.Read(file))));
    }

    [Fact]
    public void No_file_names_a_folder_of_the_machine_it_was_written_on()
    {
        string[] text = [".cs", ".csproj", ".props", ".targets", ".json", ".yaml", ".yml", ".md", ".py", ".sh", ".sln", ".txt", ".proto", ".svg", ".cast", ".ci/run", ".editorconfig", ".gitignore"];
        AssertNone("Absolute paths of a home or working folder.", Matching([""], text, @"(?<![\w.~$})\]-])/(wo" + @"rk|ro" + @"ot|ho" + @"me)/"));
    }

    private static IEnumerable<string> Matching(string[] folders, string[] endings, string pattern)
    {
        foreach (string file in Repository.Files)
        {
            if (!endings.Any(ending => file.EndsWith(ending, StringComparison.Ordinal)) || !folders.Any(folder => folder.Length == 0 || file.StartsWith(folder + "/", StringComparison.Ordinal)))
            {
                continue;
            }

            int line = 0;
            foreach (string text in File.ReadLines(Path.Combine(Repository.Root, file)))
            {
                line++;
                if (Regex.IsMatch(text, pattern))
                {
                    yield return $"{file}:{line}: {text.Trim()}";
                }
            }
        }
    }

    private static void AssertNone(string what, IEnumerable<string> findings)
    {
        string[] found = [.. findings];
        Assert.True(found.Length == 0, $"{what}\n{string.Join('\n', found.Take(40))}");
    }
}
