// nginx.conf of the demo: two health apps with their own host names.  Each app
// is a tenant.

export const hostOf = (brand) => `${brand}.localhost`;

const tenant = (brand, { sandbox, files, url }) => `
    cigna_tenant ${brand} {
        issuer                  ${sandbox.issuer};
        authorization_endpoint  ${sandbox.authorize};
        token_endpoint          ${sandbox.token};
        jwks_uri                ${sandbox.jwks};
        revocation_endpoint     ${sandbox.revoke};
        fhir_base               ${sandbox.fhirBase};
        userinfo                on;
        trusted_certificate     ${files.ca};

        client_id           ${brand}-client;
        client_secret_file  ${files.secret(brand)};
        redirect_uri        ${url(brand)}cigna/callback;
        return_to           ${url(brand)};
        scope               "openid fhirUser patient/*.read";
    }
`;

const server = (brand, { sandbox, files, port, appPorts }) => `
    server {
        listen               127.0.0.1:${port} ssl;
        server_name          ${hostOf(brand)};
        ssl_certificate      ${files.certificate};
        ssl_certificate_key  ${files.certificateKey};

        # The app names its user: it answers 204, with X-Member for a signed-in
        # user.
        auth_request      /whoami;
        auth_request_set  $member $upstream_http_x_member;
        cigna_identity    ${brand} $member;

        location = /whoami {
            internal;
            auth_request off;
            proxy_pass              http://127.0.0.1:${appPorts[brand]};
            proxy_pass_request_body off;
            proxy_set_header        Content-Length "";
        }

        location = /cigna/connect    { cigna_connect; }
        location = /cigna/callback   { cigna_callback; }
        location = /cigna/status     { cigna_status; }
        location = /cigna/disconnect { cigna_disconnect; }

        location /fhir/ {
            cigna_fhir  on;
            proxy_pass  ${sandbox.fhirBase}/;
            proxy_ssl_server_name          on;
            proxy_ssl_verify               on;
            proxy_ssl_trusted_certificate  ${files.ca};
        }

        location / {
            auth_request      off;
            proxy_pass        http://127.0.0.1:${appPorts[brand]};
            proxy_set_header  Host $http_host;
        }
    }
`;

export function nginxConf(settings) {
  const { brands, directory, files, module } = settings;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

  return `${module ? `load_module  ${module};\n\n` : ''}\
daemon            off;
worker_processes  2;
pid               ${directory}/nginx.pid;
error_log         ${directory}/error.log info;

events {
    worker_connections  1024;
}

http {
${temporary.map((name) =>
    `    ${name}_temp_path  ${directory}/temp/${name};`).join('\n')}

    log_format  demo  '$remote_addr "$request" $status '
                      'tenant=$cigna_tenant member=$cigna_member '
                      'outcome=$cigna_outcome source=$cigna_token_source '
                      'dance=$cigna_dance request=$request_id';
    access_log  ${directory}/access.log  demo;

    cigna_zone  zone=cigna:4m;

    cigna_vault {
        redis          unix:${files.redisSocket};
        keys           ${files.keys};
        password_file  ${files.redisPassword};
    }
${brands.map((brand) => tenant(brand, settings)).join('')}
${brands.map((brand) => server(brand, settings)).join('')}}
`;
}
