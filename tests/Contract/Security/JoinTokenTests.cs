using DistNet.Protocol.Security;
using Xunit;

namespace DistNet.Contract.Tests.Security;

/// <summary>The join token, and the rule off loopback.</summary>
public sealed class JoinTokenTests : IDisposable
{
    private const string Secret = "correct-horse-battery";

    private readonly string folder = Directory.CreateTempSubdirectory("distnet-token-").FullName;

    [Fact]
    public void A_token_matches_itself_alone()
    {
        JoinToken token = JoinToken.Read(null, Secret)!;
        Assert.True(token.Matches(Secret));
        Assert.Equal(Secret, token.Secret);
        Assert.All(new[] { null, "", "x", Secret + "x", Secret[1..], Secret.ToUpperInvariant(), new string('x', 100_000) }, other => Assert.False(token.Matches(other)));
    }

    [Fact]
    public void A_token_is_not_shown()
    {
        JoinToken token = JoinToken.Read(null, Secret)!;
        Assert.DoesNotContain(Secret, $"{token}", StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, new { token }.ToString()!, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_tokens_differ_and_are_long_enough()
    {
        JoinToken token = JoinToken.Random();
        Assert.Equal(64, token.Secret.Length);
        Assert.False(token.Matches(JoinToken.Random().Secret));
    }

    [Fact]
    public void A_file_goes_before_the_variable_and_white_space_is_not_part_of_it()
    {
        string file = Path.Combine(folder, "token");
        File.WriteAllText(file, $"  {Secret}\n");
        Assert.True(JoinToken.Read(file, "another-secret-of-some-length")!.Matches(Secret));
        Assert.Null(JoinToken.Read(null, null));
        Assert.Null(JoinToken.Read(null, ""));
    }

    [Theory]
    [InlineData("short", "a token of 5 characters; expected 16 to 512")]
    [InlineData("fifteen-letters", "a token of 15 characters; expected 16 to 512")]
    [InlineData("two words of a token", "spaces or characters outside ASCII")]
    [InlineData("grüße-aus-der-ferne", "spaces or characters outside ASCII")]
    public void A_bad_token_is_refused_without_being_shown(string secret, string expected)
    {
        var error = Assert.Throws<DistNetException>(() => JoinToken.Read(null, secret));
        Assert.Equal(FailureKind.Usage, error.Kind);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_missing_is_named()
    {
        string file = Path.Combine(folder, "none");
        Assert.StartsWith($"--token-file {file} cannot be read", Assert.Throws<DistNetException>(() => JoinToken.Read(file, Secret)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.3.2.1", true)]
    [InlineData("::1", true)]
    [InlineData("[::1]", true)]
    [InlineData("localhost", true)]
    [InlineData("0.0.0.0", false)]
    [InlineData("::", false)]
    [InlineData("10.0.0.1", false)]
    [InlineData("no-such-host.invalid", false)]
    [InlineData("", false)]
    public void Loopback_is_what_no_other_machine_reaches(string host, bool isLoopback) => Assert.Equal(isLoopback, ExposurePolicy.IsLoopback(host));

    [Fact]
    public void Off_loopback_a_token_and_certificates_are_needed_or_it_is_said_aloud()
    {
        using var certificates = new Certificates();
        TlsFiles tls = certificates.Load("a", "h1");
        JoinToken token = JoinToken.Random();
        Assert.Null(ExposurePolicy.Check("127.0.0.1", null, null, insecure: false));
        Assert.Null(ExposurePolicy.Check("10.0.0.1", token, tls, insecure: false));
        foreach ((JoinToken? given, TlsFiles? files, string missing) in new[]
        {
            ((JoinToken?)null, (TlsFiles?)null, "a join token (--token-file or DISTNET_TOKEN) and certificates (--tls)"),
            (token, null, "certificates (--tls)"),
            (null, tls, "a join token (--token-file or DISTNET_TOKEN)"),
        })
        {
            var error = Assert.Throws<DistNetException>(() => ExposurePolicy.Check("0.0.0.0", given, files, insecure: false));
            Assert.Equal(FailureKind.Usage, error.Kind);
            Assert.StartsWith($"'0.0.0.0' is not loopback, so this needs {missing};", error.Message, StringComparison.Ordinal);
            string? warning = ExposurePolicy.Check("0.0.0.0", given, files, insecure: true);
            Assert.StartsWith($"INSECURE: '0.0.0.0' can be reached from other machines without {missing}", warning, StringComparison.Ordinal);
        }
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
